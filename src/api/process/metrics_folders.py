"""Where processes leave their metrics for each other: those that serve, and apart the one that seals.

The latter may be root's, who must not write to a folder in which others can put links.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from api.routes.metrics import BESIDE
from postgres.embedded.accounts import Account

_OWN = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own variable


class MetricsFolders:
    """Two temporary folders, of the account that serves, if there is one, and of this process's user."""

    def __init__(self, account: Account | None) -> None:
        """Make them. Raises OSError."""
        self._folder = Path(tempfile.mkdtemp(prefix="roundbook-metrics-"))
        self._serving, self._sealing = self._folder / "serving", self._folder / "sealing"
        for folder in (self._serving, self._sealing):
            folder.mkdir(0o700)
        mask = os.umask(0o077)
        os.umask(mask)
        self.umask = mask
        if account is not None:
            self._folder.chmod(0o711)
            os.chown(self._serving, account.uid, account.gid)
            # What is made there is of that group, and for it to read.
            os.chown(self._sealing, -1, account.gid)
            self._sealing.chmod(0o750 | stat.S_ISGID)
            self.umask &= ~stat.S_IRGRP

    def for_serving(self) -> dict[str, str]:
        """Return the variables for who serves or projects."""
        return {_OWN: str(self._serving), BESIDE: str(self._sealing)}

    def for_sealing(self) -> dict[str, str]:
        """Return the variables for who seals, with `umask`."""
        return {_OWN: str(self._sealing)}

    def remove(self) -> None:
        """Remove them with what is in them."""
        shutil.rmtree(self._folder, ignore_errors=True)
