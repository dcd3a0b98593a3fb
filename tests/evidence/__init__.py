"""Evidence: what is hashed, sealed, signed and anchored, and who finds what was changed."""
