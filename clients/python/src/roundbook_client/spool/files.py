"""Files whose content is on the disk, and not only on its way there."""

import fcntl
import os
import sys
from pathlib import Path


def sync(file: int) -> None:
    """Return once the content of an open file is on the disk.

    macOS needs to be asked for more than fsync: that alone leaves it in the disk's cache.
    """
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def sync_folder(folder: Path) -> None:
    """Return once the names of a folder's files are on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_all(file: int, pieces: list[bytes], offset: int) -> None:
    """Write to an open file from an offset on, or raise OSError; what was written before that stays."""
    text = memoryview(b"".join(pieces))
    while text:
        written = os.pwrite(file, text, offset)
        text, offset = text[written:], offset + written


def append_durably(path: Path, text: bytes) -> None:
    """Add to the end of a file, which is made where it is missing, all or nothing, and durably.

    Raises OSError; the file is then as it was.
    """
    is_new = not path.exists()
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        size = os.fstat(file).st_size
        try:
            write_all(file, [text], size)
            sync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if is_new:
        sync_folder(path.parent)
