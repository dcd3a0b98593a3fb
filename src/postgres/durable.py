"""Names of files that are on the disk."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Wait until what a folder names is on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
