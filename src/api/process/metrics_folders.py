"""Where processes leave their metrics for each other: those that serve, and apart the one that seals.

The latter may be root's, who must not write to a folder in which others can put links.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import structlog

from api.process.shared_metrics import PLACE, ROOM_BYTES
from api.routes.metrics import FOLDERS
from postgres.embedded.accounts import Account

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 (the folder that is made there is private)
_PREFIX = "roundbook-metrics-"

log = structlog.get_logger()


class MetricsFolders:
    """Two temporary folders, of the account that serves, if there is one, and of this process's user."""

    def __init__(self, account: Account | None, *, places: int) -> None:
        """Make them, with room for so many processes; where there is none, there are no metrics of others."""
        mask = os.umask(0o077)
        os.umask(mask)
        self.umask = mask
        self._folder = _make(account, places * ROOM_BYTES)
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

    @property
    def _serving(self) -> Path:
        return (self._folder or Path()) / "serving"

    @property
    def _sealing(self) -> Path:
        return (self._folder or Path()) / "sealing"


def _make(account: Account | None, needed_bytes: int) -> Path | None:
    """Make a folder where there is room: with temporary files, else in memory."""
    for parent in (None, _IN_MEMORY):
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        except OSError:
            continue
        enters = account is None or account.may_enter(folder.parent)
        if enters and shutil.disk_usage(folder).free > needed_bytes:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    return None
