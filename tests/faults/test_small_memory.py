"""A container of 512 MB, with the embedded PostgreSQL, as it is."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.places import embedded_url, open_account
from tests.faults.sending import Client, Load, traffic
from tests.http.service import Service, eventually, in_folder

_LIMIT_BYTES = 512 * 1024 * 1024
_ROOT = Path("/sys/fs/cgroup")


class Group(NamedTuple):
    """A control group of version 1 or 2: its folder, the file of its limit, and that of its kills."""

    folder: Path
    limit: Path
    kills: Path

    def kill_count(self) -> int:
        lines = dict(line.split() for line in self.kills.read_text().splitlines())
        return int(lines["oom_kill"])


def make_group() -> Group | None:
    """Make a group with a limit, if this process may."""
    name = f"roundbook-test-{os.getpid()}"
    for parent, limit, kills in (
        (_ROOT / "memory", "memory.limit_in_bytes", "memory.oom_control"),
        (_ROOT, "memory.max", "memory.events"),
    ):
        folder = parent / name
        with suppress(OSError):
            folder.mkdir()
            group = Group(folder, folder / limit, folder / kills)
            if group.limit.exists():
                group.limit.write_text(str(_LIMIT_BYTES))
                return group
            folder.rmdir()
    return None


def remove(group: Group) -> None:
    def is_removed() -> bool:
        with suppress(OSError):
            group.folder.rmdir()
        return not group.folder.exists()

    eventually(is_removed)


def may_limit() -> bool:
    group = make_group()
    if group is not None:
        remove(group)
    return group is not None


@pytest.fixture
def group() -> Iterator[Group]:
    made = make_group()
    assert made is not None
    yield made
    remove(made)


# Where no group can be made, what is read of one, and made of it, is held by tests/postgres/test_memory.py.
if may_limit():

    def test_in_512_mb_large_batches_are_recorded_while_others_ask_and_nobody_is_killed(
        group: Group, folder: Path
    ) -> None:
        python = folder / "python"
        python.write_text(
            f'#!/bin/sh\necho $$ >{group.folder}/cgroup.procs\nexec {sys.executable} "$@"\n'
        )
        python.chmod(0o755)
        settings = in_folder(folder / "data")
        service = Service(folder, settings=settings, python=str(python))
        try:
            said = [line for line in service.log_lines() if "bytes" in line]
            assert [line["bytes"] for line in said] == [_LIMIT_BYTES]
            assert said[0]["ROUNDBOOK_POOL_SIZE"] == "4"
            workers = service.workers()
            account = open_account(embedded_url(folder / "data"), "acme")
            with Load() as load:
                for seed in range(3):
                    load.add(service.url, account.key, traffic(seed))
                large = traffic(9, [2_000], padding=4_000)
                with Client(service.url, account.key, load.ledger, timeout_s=60) as client:
                    for _ in range(3):
                        client.send(next(large))
                load.goes_on(10)
            account.check(service, load.ledger)
            assert group.kill_count() == 0
            assert service.workers() == workers
        finally:
            service.stop()
