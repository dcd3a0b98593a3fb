"""The bytes of evidence: what commits to an event, and the trees over it. Pure."""
