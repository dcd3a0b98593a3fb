"""Verify a bundle of evidence with keys of one's own. FORMAT.md says what a bundle is."""
