"""A disk that is full, until there is room again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest

from tests.embedded.processes import postmaster
from tests.faults.places import embedded_url, open_account
from tests.faults.sending import Load, traffic
from tests.http.service import Service
from tests.processes import descendants, limit

_MIB = 1024 * 1024


class Disk(Protocol):
    """What a database lies on."""

    data_dir: Path

    def limit(self) -> None:
        """Let there be little room, from now on."""

    def extend(self) -> None:
        """Let there be room again."""


class SmallDisk:
    """A file system of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "disk" / "data"
        self._mounted_at = self.data_dir.parent
        self._mounted_at.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs")

    def limit(self) -> None:
        """It is small from the beginning."""

    def extend(self) -> None:
        self._run("mount", "-o", "remount,size=1500m")

    def remove(self) -> None:
        self._run("umount")

    def _run(self, *command: str) -> None:
        subprocess.run([*command, str(self._mounted_at)], check=True, capture_output=True)


class SmallFiles:
    """A limit for the size of each file that PostgreSQL writes: what needs no rights beyond its own."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"

    def limit(self) -> None:
        self._set(f"{17 * _MIB}")  # so that it has the files of its WAL

    def extend(self) -> None:
        self._set("unlimited")

    def remove(self) -> None:
        """Nothing is left of it."""

    def _set(self, limit_bytes: str) -> None:
        server = postmaster(self.data_dir)
        for pid in (server, *descendants(server)):  # the first one passes it on to those to come
            with suppress(ProcessLookupError):  # an autovacuum's worker, say, whose work is done
                limit(pid, fsize=limit_bytes)


def may_mount() -> bool:
    """Whether this process may mount file systems; often not even root may, inside a container."""
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    with suppress(FileNotFoundError):
        return os.geteuid() == 0 and subprocess.run(probe, check=False).returncode == 0
    return False


@pytest.fixture(params=[SmallFiles, SmallDisk] if may_mount() else [SmallFiles])
def disk(request: pytest.FixtureRequest, folder: Path) -> Iterator[Disk]:
    made = request.param(folder)
    yield made
    made.remove()


def test_while_the_disk_is_full_batches_are_answered_503_and_all_are_recorded_once_there_is_room(
    disk: Disk, start: Callable[..., Service]
) -> None:
    service = start("--workers", "2", data_dir=str(disk.data_dir), lock_timeout_s="1")
    account = open_account(embedded_url(disk.data_dir), "acme")
    with Load() as load:
        load.add(service.url, account.key, traffic(0))
        load.goes_on(10)
        disk.limit()
        try:
            for seed in range(1, 4):
                load.add(service.url, account.key, traffic(seed, sizes=[50, 200], padding=20_000))
            load.is_refused(10)
        finally:
            disk.extend()
        load.goes_on(10)
    account.check(service, load.ledger)
