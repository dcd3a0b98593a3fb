"""Proving that a log is what was sealed: its rows against its hashes, those against what was signed."""
