"""Small files that must be whole after any crash: written beside, fsynced, then given their name."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkstemp

from postgres.durable import sync_folder


def write_new(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 that is not there yet. Raises FileExistsError; what is there stays."""
    _write(path, content, os.link)


def replace(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 in the place of the one that is there. Raises OSError."""
    _write(path, content, os.replace)


def _write(path: Path, content: bytes, name: Callable[[str, Path], None]) -> None:
    # mkstemp makes it with mode 0600, whatever the umask.
    descriptor, draft = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        name(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)
    sync_folder(path.parent)
