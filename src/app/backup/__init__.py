"""Backups of the whole schema: one file that is whole or not there, and the way back into an empty database.

The keys that sign the logs, and what anchors keep, are elsewhere by their nature, and no part of it.
"""
