"""The SQL of a module, from the file beside it."""

from pathlib import Path
from typing import Any

import aiosql


def statements(module_file: str) -> Any:
    """Load the statements of the module at `module_file` (its `__file__`), each with its text as `.sql`."""
    return aiosql.from_path(Path(module_file).with_suffix(".sql"), "psycopg")
