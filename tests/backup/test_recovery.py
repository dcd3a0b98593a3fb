"""A recovery to a point in time with the real server: nothing is begun before it ends, then it is told."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest

from postgres.embedded.accounts import is_root
from postgres.embedded.cluster import DATABASE
from postgres.embedded.passwords import OWNER, SERVICE, SUPERUSER
from postgres.embedded.place import Place, find_place
from postgres.programs import find_program
from tests.backup.test_backup import start_over
from tests.faults.places import Account, open_account, temporary_folder
from tests.faults.sending import Ledger, traffic
from tests.http.service import Running, Service, eventually, in_folder, roundbook

PAUSED = "select pg_get_wal_replay_pause_state() = 'paused'"


class Recovered(NamedTuple):
    """A cluster that is to be recovered to a moment; what it will have then, and what was recorded after."""

    data_dir: Path
    account: Account
    log_id: str
    kept: int
    lost: int


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, with a short path."""
    with temporary_folder() as path:
        yield path


def configure(place: Place, **settings: str) -> None:
    """Say something in the file that an operator writes, too."""
    with (place.pgdata / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def asked(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query.encode()).fetchone()
        assert found is not None
        return found[0]


@pytest.fixture
def recovered(folder: Path, start: Callable[..., Service]) -> Recovered:
    """A base backup, the WAL that was archived since, and a moment between two batches."""
    archive, data_dir, base = folder / "archive", folder / "data", folder / "base"
    archive.mkdir()
    archive.chmod(0o777)
    roundbook("migrate", settings=in_folder(data_dir))
    place = find_place(data_dir, print)
    configure(place, archive_mode="on", archive_command=f"cp %p {archive}/%f")
    service = start(settings=in_folder(data_dir))
    account = open_account(service.store_url, "acme")
    admin, batches = place.url(SUPERUSER, "postgres"), traffic(3, sizes=[40])
    with account.client(service, Ledger()) as client:
        client.send(next(batches))
        major = int((place.pgdata / "PG_VERSION").read_text())
        program = find_program("pg_basebackup", None, oldest=major, why="as the server is")
        command = [str(program.path), "-D", str(base), "--checkpoint=fast", f"--dbname={admin}"]
        subprocess.run(command, check=True, capture_output=True)
        kept = client.send(next(batches))
        moment = str(asked(admin, "select clock_timestamp()"))
        lost = client.send(next(batches))
    last = asked(admin, "select pg_walfile_name(pg_switch_wal())")
    eventually((archive / str(last)).exists)
    service.stop()

    again = folder / "again"
    again.mkdir()
    shutil.move(base, again / "postgres")
    shutil.copy2(place.passwords, again / "passwords")
    to = Place(again, place.account)
    configure(
        to,
        archive_mode="off",
        restore_command=f"cp {archive}/%f %p",
        recovery_target_time=moment,
        recovery_target_action="pause",
    )
    (to.pgdata / "recovery.signal").touch()
    if is_root():
        for path in (again, *again.rglob("*")):
            os.chown(path, place.account.uid, place.account.gid)
    positions = [int(answer.headers["log-position"]) for answer in (kept, lost)]
    return Recovered(again, account, kept.headers["log-id"], positions[0], positions[1])


def test_nothing_is_begun_before_a_recovery_ends_and_then_readers_are_told(
    recovered: Recovered, folder: Path, tmp_path: Path
) -> None:
    place = find_place(recovered.data_dir, print)
    admin, events = place.url(SUPERUSER, "postgres"), place.url(OWNER, DATABASE)
    stands = (
        f"select count(*) from roundbook.events where tenant_id = {recovered.account.tenant_id}"
    )
    # Ended and started again, it stands where it is to stand.
    _standing(recovered, tmp_path, admin).stop()
    service = _standing(recovered, tmp_path, admin)
    assert asked(events, stands) == recovered.kept
    assert "ERROR" not in place.log.read_text()
    for words in (["tenant", "create", "another"], ["migrate"]):
        settings = {
            "ROUNDBOOK_DATABASE_URL": place.url(SERVICE, DATABASE),
            "ROUNDBOOK_OWNER_URL": events,
        }
        refused = roundbook(*words, settings=settings, check=False)
        assert refused.returncode == 1
        assert "in recovery" in refused.stderr
    assert asked(admin, "select pg_is_in_recovery()") is True
    asked(admin, "select pg_wal_replay_resume()::text")
    try:
        url = service.line().removeprefix("Roundbook serves on ").partition(",")[0]
        headers = {"x-api-key": recovered.account.key}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            eventually(lambda: client.get("/health/ready").status_code == 200)
            _is_told(client, recovered)
        _is_backed_up(recovered, folder)
    finally:
        service.signal(signal.SIGTERM)
        assert service.ended()[0] == 0


def _is_backed_up(recovered: Recovered, folder: Path) -> None:
    """The embedded server is backed up while it is served, and brought back into one that is made for it."""
    file, settings = folder / "acme.backup", in_folder(folder / "restored")
    made = roundbook("backup", str(file), settings=in_folder(recovered.data_dir))
    restored = roundbook("restore", str(file), settings=settings)
    assert restored.stdout == made.stdout
    assert made.stdout.startswith("acme\t")
    assert roundbook("tenant", "list", settings=settings).stdout.startswith("acme\t")


def _standing(recovered: Recovered, folder: Path, admin: str) -> Running:
    """Start a service, and wait until its server stands still at the moment."""
    service = Running(folder, "serve", "--port", "0", settings=in_folder(recovered.data_dir))
    eventually(lambda: "is in recovery" in service.log())
    eventually(lambda: asked(admin, PAUSED) is True)
    return service


def _is_told(client: httpx.Client, recovered: Recovered) -> None:
    now = client.get("/api/v1/status")
    assert int(now.headers["log-position"]) == recovered.kept
    assert now.headers["log-id"] != recovered.log_id
    start_over(client, recovered.kept, recovered.lost)
    headers = {
        "accept": "text/event-stream",
        "last-event-id": f"{recovered.log_id}:{recovered.lost}",
    }
    told = client.get("/api/v1/history", headers=headers)
    assert (told.status_code, told.json()["log_id"]) == (409, now.headers["log-id"])
