"""Where processes leave their metrics for each other: those that serve, and apart the one that seals.

The latter may be root's, who must not write to a folder in which others can put links.

A service that is killed leaves its folders behind. The next one finds that nobody holds their lock.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import structlog

from api.process.shared_metrics import PLACE, ROOM_BYTES
from api.routes.metrics import FOLDERS
from postgres.embedded.accounts import Account

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 (the folder that is made there is private)
_PREFIX = "roundbook-metrics-"
_LOCK = "lock"
_DAY_S = 86_400.0

log = structlog.get_logger()


class MetricsFolders:
    """Two temporary folders, of the account that serves, if there is one, and of this process's user."""

    def __init__(self, account: Account | None, *, places: int) -> None:
        """Make them, with room for so many processes; where there is none, there are no metrics of others."""
        mask = os.umask(0o077)
        os.umask(mask)
        self.umask = mask
        _remove_left_behind()
        self._folder: Path | None
        self._lock: int | None
        self._folder, self._lock = _make(account, places * ROOM_BYTES)
        if self._folder is None:
            log.warning(
                "there is no room for metrics of several processes: each shows its own",
                remedy="make room in the folder of temporary files, TMPDIR",
            )
            return
        for folder in (self._serving, self._sealing):
            folder.mkdir(0o700)
        if account is not None:
            self._folder.chmod(0o711)
            os.chown(self._serving, account.uid, account.gid)
            # What is made there is of that group, and for it to read.
            os.chown(self._sealing, -1, account.gid)
            self._sealing.chmod(0o750 | stat.S_ISGID)
            self.umask &= ~stat.S_IRGRP

    def for_serving(self, place: int) -> dict[str, str]:
        """Return the variables for who serves or projects, at a place that nobody else has."""
        if self._folder is None:
            return {}
        folders = os.pathsep.join([str(self._serving), str(self._sealing)])
        return {PLACE: str(self._serving / str(place)), FOLDERS: folders}

    def for_sealing(self, place: int) -> dict[str, str]:
        """Return the variables for who seals, with `umask`."""
        return {} if self._folder is None else {PLACE: str(self._sealing / str(place))}

    def remove(self) -> None:
        """Remove them with what is in them."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    @property
    def _serving(self) -> Path:
        return (self._folder or Path()) / "serving"

    @property
    def _sealing(self) -> Path:
        return (self._folder or Path()) / "sealing"


def _hold(folder: Path) -> int:
    """Lock a folder for as long as this process lives; gives the descriptor. Raises OSError."""
    begun = folder / f"{_LOCK}.begun"
    descriptor = os.open(begun, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    begun.rename(folder / _LOCK)  # so nobody ever finds that of a living process free
    return descriptor


def _remove_left_behind() -> None:
    """Remove this user's folders whose process is gone."""
    for parent in {Path(tempfile.gettempdir()), _IN_MEMORY}:
        for folder in parent.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                found = folder.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                    _remove_unless_held(folder)


def _remove_unless_held(folder: Path) -> None:
    """Remove a folder that nobody uses. Raises OSError, BlockingIOError where somebody holds its lock."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Of an older version, which held none, or about to be made: whether it is in use, its age tells.
        newest = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
        if time.time() - newest > _DAY_S:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _make(account: Account | None, needed_bytes: int) -> tuple[Path, int] | tuple[None, None]:
    """Make a folder where there is room, with temporary files, else in memory; gives its lock, too."""
    for parent in (None, _IN_MEMORY):
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        except OSError:
            continue
        enters = account is None or account.may_enter(folder.parent)
        if enters and shutil.disk_usage(folder).free > needed_bytes:
            with suppress(OSError):
                return folder, _hold(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return None, None
