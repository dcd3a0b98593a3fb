"""What proves that a log is as it was sealed: leaves, trees, proofs, notes. Pure: bytes in, bytes out."""
