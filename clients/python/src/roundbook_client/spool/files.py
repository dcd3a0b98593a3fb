"""Files whose content is on the disk, and not only on its way there."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing, durably. Raises OSError."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in made:
        sync_folder(each.parent)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Open a file, made where it is missing, that nobody else has locked meanwhile. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        unlock(file)


def unlock(file: int) -> None:
    """Close a file that was locked, and let go of it also where a child of a fork has it open still."""
    try:
        fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)


def append_durably(path: Path, text: bytes) -> None:
    """Add to the end of a file, which is made where it is missing, all or nothing, and durably.

    Others that append so to the same file wait meanwhile. Raises OSError; the file is then as it was.
    """
    with locked(path) as file:
        sync_folder(path.parent)
        size = os.fstat(file).st_size
        try:
            write_all(file, [text], size)
            sync(file)
        except BaseException:
            os.ftruncate(file, size)
            raise
