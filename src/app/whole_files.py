"""Files of which there is never a part under their name: written beside, named when whole and on the disk."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from postgres.durable import sync_folder


class FileError(OSError):
    """A file can't be written; the message says why."""


@contextmanager
def whole_or_not_there(path: Path, *, replace: bool = False) -> Iterator[IO[bytes]]:
    """Give a file to write and read, which is at `path` once the block ended well, and never before.

    What is there stays unless `replace`. It is written into `<path>.part`, of mode 0600, which is left by who
    is killed and removed by the next one. Raises FileError where `path` is there, or is being written.
    """
    if not replace and os.path.lexists(path):
        raise FileError(f"{path} is there already: name another file")
    part = path.with_name(f"{path.name}.part")
    _remove_left(part)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        # The system unlocks the file with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield file
            file.flush()
            os.fsync(descriptor)
            _check_ours(part, descriptor)
            _give_name(part, path, replace=replace)
        except BaseException:
            if _is(part, descriptor):
                part.unlink()
            raise
    sync_folder(path.parent)


def _remove_left(part: Path) -> None:
    """Remove what somebody left who was killed. It may have the final name too: it is not written into."""
    try:
        with part.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
    except FileNotFoundError:
        pass
    except BlockingIOError:
        raise FileError(f"another process writes {part}") from None


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _check_ours(part: Path, descriptor: int) -> None:
    if not _is(part, descriptor):
        raise FileError(f"somebody else has removed {part} meanwhile: what was written is lost")


def _give_name(part: Path, path: Path, *, replace: bool) -> None:
    if not replace:
        try:
            os.link(part, path)  # which replaces nothing
        except FileExistsError:
            raise FileError(f"{path} is there by now: it stays as it is") from None
        except OSError:
            # A file system without links, on which it can only be looked.
            if os.path.lexists(path):
                raise FileError(f"{path} is there by now: it stays as it is") from None
        else:
            part.unlink()
            return
    part.replace(path)
