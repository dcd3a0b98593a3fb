"""An upgrade that is killed at a moment: run as a file, with the folder and the name of the moment."""

import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from postgres.embedded import upgrade
from postgres.embedded.exchange import exchange


def die(*_: Any, **__: Any) -> NoReturn:
    """End as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def copying(*arguments: Any) -> None:
    """Die while `pg_upgrade` has one of its servers running."""
    pgdata = arguments[1].pgdata

    def watch() -> None:
        while not (pgdata / "postmaster.pid").exists():
            time.sleep(0.001)
        die()

    threading.Thread(target=watch, daemon=True).start()
    _pg_upgrade(*arguments)


def exchanged(one: Path, other: Path) -> None:
    """Die as soon as the two have changed places."""
    _exchange(one, other)
    die()


_pg_upgrade, _exchange = upgrade._pg_upgrade, exchange
MOMENTS = {
    "making": lambda: setattr(upgrade, "_pg_upgrade", die),
    "copying": lambda: setattr(upgrade, "_pg_upgrade", copying),
    "complete": lambda: setattr(upgrade, "exchange", die),
    "exchanged": lambda: setattr(upgrade, "exchange", exchanged),
    "named": lambda: setattr(shutil, "rmtree", die),
}

if __name__ == "__main__":
    data_dir, old, moment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    MOMENTS[moment]()
    upgrade.upgrade(data_dir, old_binaries=old, say=lambda _: None, again=moment != "named")
