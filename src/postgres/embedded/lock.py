"""The lock that makes one process the owner of a cluster."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from postgres.embedded.accounts import hand_over


class Lock:
    """A file lock that the operating system drops with the process, however that ends.

    A process forked from the owner shares the lock: make workers by spawning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Return whether this process holds the lock, and of the file that others would see."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:  # somebody removed the folder under us
            return False

    def take(self) -> bool:
        """Try to become the owner, without waiting. Raises OSError."""
        self.release()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hand_over(descriptor, self._path.parent)
            with suppress(OSError):  # on a full disk: the lock is what counts
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def owner(self) -> str:
        """Return the process id of the owner, for people to read."""
        try:
            return self._path.read_text("ascii").strip() or "unknown"
        except OSError:
            return "unknown"

    def release(self) -> None:
        """Stop being the owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
