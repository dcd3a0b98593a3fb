"""`roundbook backup` and `restore`: one moment, whole or not at all, whatever goes on beside or ends them."""

import json
import signal
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from app.backup.backing_up import back_up
from app.backup.manifest import BackupError
from postgres.connections import connect
from postgres.dumping import APPLICATION_NAME
from postgres.embedded.binaries import PROGRAMS, wheel
from tests.databases import Database, new_database
from tests.faults.sending import Load, traffic
from tests.http.service import Running, Service, eventually, on, roundbook

ROWS = "select e::text from events e where position <= %s order by position"


def rows(database: Database, last: int) -> Sequence[tuple[Any, ...]]:
    """All that is recorded of the only tenant's events up to a position."""
    with connect(database.owner_url) as connection:
        return connection.execute(ROWS, [last]).fetchall()


def has_schema(database: Database) -> bool:
    with connect(database.owner_url) as connection:
        found = connection.execute("select to_regnamespace('roundbook') is not null").fetchone()
        return found == (True,)


def sessions(database: Database, waiting: str = "%") -> int:
    """How many sessions of a backup or a restore there are, that wait for what is named."""
    query = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and application_name = %s and coalesce(wait_event_type, '') like %s"
    )
    with connect(database.owner_url) as connection:
        found = connection.execute(query, [APPLICATION_NAME, waiting]).fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture
def backup(filled: Database, tmp_path: Path) -> Path:
    """A backup of a log of some hundred events."""
    file = tmp_path / "acme.backup"
    roundbook("backup", str(file), settings=on(filled))
    return file


def test_a_backup_beside_ingest_is_brought_back_as_it_was_at_one_moment(
    admin_url: str,
    fresh_database: Database,
    empty_database: Database,
    start: Callable[..., Service],
    tmp_path: Path,
) -> None:
    service = start(settings=on(fresh_database))
    service.new_tenant("acme")
    key = service.new_key("acme", "ingest", "read", "audit")
    file = tmp_path / "acme.backup"

    def sealed() -> int:
        with service.client(key) as client:
            return int(client.get("/api/v1/status").json()["evidence"]["size"])

    with Load() as load:
        for seed in (1, 2):
            load.add(service.url, key, traffic(seed))
        load.goes_on()
        eventually(lambda: sealed() > 0)
        made = roundbook("backup", str(file), settings=on(fresh_database))
        load.goes_on()
    tenant, events, position, size = made.stdout.strip().split("\t")
    assert (tenant, events) == ("acme", position)
    assert 0 < int(size) <= int(position)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.glob("acme.backup*")] == [file.name]
    content = file.read_bytes()
    again = roundbook("backup", str(file), settings=on(fresh_database), check=False)
    assert (again.returncode, file.read_bytes()) == (1, content)
    assert f"{file} is there already" in again.stderr

    with service.client(key) as client:
        known = client.get("/api/v1/status").headers
    lost = int(known["log-position"])
    assert lost > int(position)
    eventually(lambda: sealed() > int(size))

    # Where the keys are, more is known to have been signed.
    settings = on(fresh_database) | on_another(empty_database)
    restored = roundbook("restore", str(file), settings=settings)
    assert restored.stdout == made.stdout
    assert "verified" in restored.stderr
    assert f"and the backup is sealed up to {size}, of {position}" in restored.stderr
    there = rows(empty_database, lost)
    assert there == rows(fresh_database, int(position))
    assert len(there) == int(position)
    twice = roundbook("restore", str(file), settings=on(empty_database), check=False)
    assert twice.returncode == 1
    assert f"{urlsplit(empty_database.owner_url).path[1:]!r} is not empty" in twice.stderr

    service.stop()
    _is_refused_what_was_lost(start, empty_database, key, known["log-id"], lost)
    _is_told_that_it_was_forged(admin_url, fresh_database, file)


def on_another(database: Database) -> dict[str, str]:
    """The settings that name a database, and no folder of keys."""
    return {
        "ROUNDBOOK_DATABASE_URL": database.service_url,
        "ROUNDBOOK_OWNER_URL": database.owner_url,
    }


def _is_told_that_it_was_forged(admin_url: str, database: Database, file: Path) -> None:
    """A backup of a log that was changed is brought back, and what is in it is said."""
    with connect(database.owner_url) as owner:
        owner.execute("alter table events disable trigger user")
        owner.execute("update events set state = state || ' ' where position = 1")
        owner.execute("alter table events enable trigger user")
    roundbook("backup", str(file), "--replace", settings=on(database))
    with new_database(admin_url, empty=True) as another:
        told = roundbook("restore", str(file), settings=on_another(another), check=False)
    assert told.returncode == 1
    assert "acme: 1 leaf: " in told.stderr
    assert "was not what had been sealed" in told.stderr


def _is_refused_what_was_lost(
    start: Callable[..., Service], database: Database, key: str, log_id: str, lost: int
) -> None:
    """Whoever read the lost future is told, while the log is shorter and when it has grown past it."""
    service = start(settings=on(database) | {"ROUNDBOOK_AT_LEAST_TIMEOUT_S": "0.2"})
    stream = {"accept": "text/event-stream"}
    with service.client(key) as client:
        fresh = client.get("/api/v1/status")
        assert fresh.headers["log-id"] == fresh.json()["log_id"] != log_id
        head = int(fresh.headers["log-position"])
        beyond = client.get("/api/v1/history", headers=stream | {"last-event-id": str(lost)})
        assert (beyond.status_code, beyond.json()["log_position"]) == (409, head)
        waited = client.get("/api/v1/rounds", params={"at_least": lost})
        assert (waited.status_code, waited.json()["log_position"]) == (503, head)
        assert "restored from a backup" in waited.json()["detail"]
        grown = start_over(client, head, lost)
        assert grown.headers["log-id"] == fresh.headers["log-id"]
        for parameters, headers in (
            ({"log_id": log_id, "at_least": str(lost)}, {}),
            ({"log_id": log_id}, stream | {"last-event-id": str(lost)}),
            ({}, stream | {"last-event-id": f"{log_id}:{lost}"}),
        ):
            told = client.get("/api/v1/history", params=parameters, headers=headers)
            assert (told.status_code, told.json()["type"].rpartition(":")[2]) == (409, "other-log")
            assert told.json()["log_id"] == fresh.headers["log-id"]
            assert told.json()["agreed_to"] == head
    service.stop()


def start_over(client: Any, head: int, lost: int) -> Any:
    """Let the log grow beyond what was lost, by other events."""
    items = [
        {
            "event": "login",
            "data": {
                "unique_id": f"anew-{number}",
                "timestamp": "2025-01-15T06:00:00Z",
                "player_id": "p",
            },
        }
        for number in range(lost - head + 10)
    ]
    answer = client.post("/api/v1/events", json={"items": items})
    assert answer.status_code == 204
    return answer


def test_a_backup_that_is_killed_leaves_none_and_the_next_one_is_whole(
    filled: Database, tmp_path: Path
) -> None:
    file = tmp_path / "acme.backup"
    with connect(filled.owner_url) as owner, owner.transaction():
        # It gets so far and no further.
        owner.execute("lock table conflicts in access exclusive mode")
        killed = Running(tmp_path, "backup", str(file), settings=on(filled))
        eventually(lambda: sessions(filled, "Lock") > 0)
        killed.signal(signal.SIGKILL)
        assert killed.ended()[0] == -signal.SIGKILL
    eventually(lambda: sessions(filled) == 0)
    assert not file.exists()
    roundbook("backup", str(file), settings=on(filled))
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["roundbook.pgdump", "manifest.json"]
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        (log,) = json.load(manifest)["logs"]
    assert (log["tenant"], log["events"]) == ("acme", log["position"])


def test_a_restore_that_is_killed_half_way_leaves_nothing(
    backup: Path, filled: Database, empty_database: Database, tmp_path: Path
) -> None:
    name = urlsplit(empty_database.owner_url).path[1:]
    with psycopg.connect(filled.admin_url, dbname=name, autocommit=True) as admin:
        # It gets so far as all rows are in, and no further.
        admin.execute("select pg_advisory_lock(4711)")
        admin.execute(
            "create function public.stop() returns event_trigger language plpgsql as"
            " $$ begin perform pg_advisory_xact_lock(4711); end $$"
        )
        admin.execute(
            "create event trigger stop on ddl_command_end when tag in ('CREATE INDEX')"
            " execute function public.stop()"
        )
        killed = Running(tmp_path, "restore", str(backup), settings=on(empty_database))
        eventually(lambda: sessions(empty_database, "Lock") > 0)
        killed.signal(signal.SIGKILL)
        assert killed.ended()[0] == -signal.SIGKILL
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = %s",
            [APPLICATION_NAME],
        )
        eventually(lambda: sessions(empty_database) == 0)
        admin.execute("drop event trigger stop")
    assert not has_schema(empty_database)
    roundbook("restore", str(backup), settings=on(empty_database))
    assert has_schema(empty_database)


def test_a_restore_that_the_server_breaks_off_leaves_nothing_and_says_why(
    filled: Database, empty_database: Database, tmp_path: Path
) -> None:
    # Of a later version than some servers: those are told nothing that they don't know.
    packages = wheel()
    assert packages is not None
    file, programs = tmp_path / "acme.backup", ["--programs", str(packages / PROGRAMS)]
    roundbook("backup", str(file), *programs, settings=on(filled))
    name = urlsplit(empty_database.owner_url).path[1:]
    with psycopg.connect(filled.admin_url, dbname=name, autocommit=True) as admin:
        admin.execute(
            "create function public.stop() returns event_trigger language plpgsql as"
            " $$ begin raise exception 'the disk is full'; end $$"
        )
        admin.execute(
            "create event trigger stop on ddl_command_end when tag in ('CREATE INDEX')"
            " execute function public.stop()"
        )
        broken = roundbook(
            "restore", str(file), *programs, settings=on(empty_database), check=False
        )
        admin.execute("drop event trigger stop")
    assert broken.returncode == 1
    assert "the disk is full" in broken.stderr
    assert not has_schema(empty_database)
    restored = roundbook("restore", str(file), *programs, settings=on(empty_database))
    assert restored.stdout.startswith("acme\t600\t600\t")


def test_a_file_that_is_cut_or_changed_is_refused_and_nothing_is_done(
    backup: Path, empty_database: Database, tmp_path: Path
) -> None:
    whole = backup.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 3] ^= 1
    for content in (whole[: len(whole) // 2], whole[:-2000], b"", bytes(changed)):
        file = tmp_path / "damaged"
        file.write_bytes(content)
        refused = roundbook("restore", str(file), settings=on(empty_database), check=False)
        assert refused.returncode == 1
        assert refused.stderr.startswith("Error: its ") or "no backup" in refused.stderr
        assert not has_schema(empty_database)


def test_without_a_fitting_pg_dump_it_says_which_is_needed(
    filled: Database, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    program = old / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    program.chmod(0o755)
    asked = ["backup", str(tmp_path / "none"), "--programs", str(old)]
    refused = roundbook(*asked, settings=on(filled), check=False)
    assert refused.returncode == 1
    assert f"{program} is of 9" in refused.stderr
    assert list(tmp_path.glob("none*")) == []


def test_a_cluster_is_backed_up_node_by_node(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backup.backing_up.is_cluster", lambda _: True)
    with pytest.raises(BackupError, match="back up each node itself"):
        back_up(filled.owner_url, tmp_path / "backup", programs=None, replace=False)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_can_be_read_by_the_programs_of_postgresql_alone(
    backup: Path, empty_database: Database, tmp_path: Path
) -> None:
    subprocess.run(["tar", "-xf", str(backup), "-C", str(tmp_path)], check=True)
    assert (tmp_path / "roundbook.pgdump").read_bytes()[:5] == b"PGDMP"
