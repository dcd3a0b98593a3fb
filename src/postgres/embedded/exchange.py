"""Two folders change places at once: whoever looks, or comes after a power cut, finds one or the other."""

import ctypes
import errno
import os
import sys
import tempfile
from pathlib import Path

from postgres.durable import sync_folder

_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2), RENAME_SWAP of renamex_np(2) on macOS


def exchange(one: Path, other: Path) -> None:
    """Let two paths of one file system change what they name. Raises OSError, also where it can't do that."""
    system = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = system.renamex_np(*paths, _EXCHANGE)
        else:
            failed = system.renameat2(_HERE, paths[0], _HERE, paths[1], _EXCHANGE)
    except AttributeError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(one), None, str(other)) from None
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))
    for folder in {one.parent, other.parent}:
        sync_folder(folder)


def can_exchange(folder: Path) -> bool:
    """Return whether the file system of a folder can do it. Raises OSError where nothing can be made."""
    with tempfile.TemporaryDirectory(dir=folder) as trial:
        one, other = Path(trial, "one"), Path(trial, "other")
        one.mkdir()
        other.mkdir()
        try:
            exchange(one, other)
        except OSError:
            return False
    return True
