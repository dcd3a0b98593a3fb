"""What evidence costs and how fast it answers: ingest, proofs, verifying, the disk. See `bench.lag` too."""
