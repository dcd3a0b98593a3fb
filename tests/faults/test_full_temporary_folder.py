"""A folder of temporary files that is full kills nobody, and costs no more than metrics."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.databases import Database
from tests.evidence.conftest import sealed_size
from tests.faults.places import Account
from tests.faults.sending import Ledger, Load, traffic
from tests.faults.test_full_disk import may_mount
from tests.http.service import Service, eventually

Start = Callable[..., Service]

_MIB = 1 << 20


@pytest.fixture
def temporary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files of services to come."""
    path = folder / "temporary"
    path.mkdir()
    path.chmod(0o1777)
    monkeypatch.setenv("TMPDIR", str(path))
    return path


@pytest.fixture
def small(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same, on a file system of its own of 32 MiB, or none where it can't be mounted."""
    if not may_mount():
        monkeypatch.setenv("TMPDIR", str(temporary / "absent"))
        yield temporary
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=1777", "tmpfs", str(temporary)]
    subprocess.run(mount, check=True)
    yield temporary
    subprocess.run(["umount", str(temporary)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filling").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))


def kill_a_worker(service: Service) -> None:
    [worker] = service.workers()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: service.workers() not in ([], [worker]))
    eventually(lambda: service.answers("/metrics"))


def ingested(service: Service) -> float:
    lines = httpx.get(service.url + "/metrics", timeout=60).text.splitlines()
    name = 'roundbook_ingested_items_total{outcome="stored"} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_metrics_have_all_their_room_and_no_more_files_however_often_processes_are_restarted(
    temporary: Path, start: Start, shared: Database, account: Account
) -> None:
    service = start(database_url=shared.service_url, owner_url=shared.owner_url)
    ledger = Ledger()
    with account.client(service, ledger) as client:
        client.send(next(traffic(1)))
    # Projector and sealer begin beside the worker: they have made their files once they have done something.
    account.check(service, ledger)
    with service.client(account.key) as auditor:
        eventually(lambda: sealed_size(auditor) > 0)

    def files() -> dict[Path, int]:
        return {file: file.stat().st_size for file in temporary.glob("roundbook-*/*/*.db")}

    before = files()
    assert before
    for _ in range(2):
        kill_a_worker(service)
    assert files().keys() == before.keys()
    assert files() == before
    assert all(file.stat().st_blocks * 512 >= size for file, size in before.items())


@pytest.mark.parametrize("when", ["after", "before"] if may_mount() else ["never"])
def test_while_there_is_no_room_for_temporary_files_workers_live_and_come_again(
    small: Path, start: Start, shared: Database, account: Account, when: str
) -> None:
    if when == "before":
        fill(small)
    service = start(database_url=shared.service_url, owner_url=shared.owner_url)
    if when == "after":
        fill(small)
    with Load() as load:
        load.add(service.url, account.key, traffic(1))
        load.goes_on(5)
        counted = ingested(service)
        assert counted > 0
        kill_a_worker(service)
        load.goes_on(5)
    assert ingested(service) > counted
    ended = [line for line in service.log_lines() if line["event"].startswith("a process ended")]
    assert [line["status"] for line in ended] == [-signal.SIGKILL]
