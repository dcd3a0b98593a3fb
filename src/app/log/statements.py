"""The SQL of the log, from the file beside this one."""

from pathlib import Path

import aiosql

SQL = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")
