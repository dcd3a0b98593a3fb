"""Finds out, as an account that may come to serve, whether it can, and whether it may do too much."""

import os
import sys
from pathlib import Path

import psycopg

import api.process.worker
from app.settings import read_settings
from postgres.connections import connect

_SERVES = api.process.worker.main  # what it needs could be imported


def main() -> None:
    """End well if this account can serve, else with the reason as the last line on stderr.

    Paths of secrets come on stdin, each ended by a zero byte: files that it may not read, and folders that it
    may not write to. A database that is named by its URL must let it in.
    """
    for secret in filter(None, sys.stdin.buffer.read().split(b"\0")):
        path = Path(os.fsdecode(secret))
        if os.access(path, os.W_OK):
            sys.exit(f"it may write to {path}")
        if os.access(path, os.R_OK) and not path.is_dir():
            sys.exit(f"it may read {path}")
    url = read_settings().database_url
    if url is not None:
        try:
            connect(url).close()
        except psycopg.Error as error:
            sys.exit(f"it can't reach the database: {' '.join(str(error).split())}")
