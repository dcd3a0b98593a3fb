"""The SQL of each read model, from the file beside its module."""

from pathlib import Path
from typing import Any

import aiosql
import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


def statements(module_file: str) -> Any:
    """Load the statements of the module at `module_file` (its `__file__`), each with its text as `.sql`."""
    return aiosql.from_path(Path(module_file).with_suffix(".sql"), "psycopg")
