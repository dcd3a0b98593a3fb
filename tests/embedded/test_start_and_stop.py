"""One process alone."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from postgres.embedded import EmbeddedError, EmbeddedServer, accounts, log
from postgres.embedded import server as server_module
from postgres.embedded.binaries import Binaries
from postgres.embedded.cluster import check_version
from tests.embedded.processes import (
    Neighbour,
    accepts,
    eventually,
    kept_alive,
    postmaster,
    rows,
    write_rows,
)
from tests.processes import descendants, runs, stopped


def test_data_stay_when_the_server_stops_and_starts_again(
    server: EmbeddedServer, data_dir: Path, said: list[str]
) -> None:
    with server:
        write_rows(server.owner_url)
        pid = postmaster(data_dir)
    assert not runs(pid)
    assert not accepts(server.owner_url)
    with EmbeddedServer(data_dir) as again:
        assert again.owner_url == server.owner_url
        assert rows(again.owner_url) == 100
    assert said == [f"making an embedded PostgreSQL in {data_dir}"]


def test_durability_is_not_traded(server: EmbeddedServer, data_dir: Path) -> None:
    with server:
        pass
    with (data_dir / "postgres/postgresql.auto.conf").open("a") as weakened:
        weakened.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        weakened.write("listen_addresses = '*'\nport = 1\n")
    with server, psycopg.connect(server.service_url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW wal_level").fetchone() == ("replica",)


def test_the_service_may_only_connect(server: EmbeddedServer) -> None:
    with server, psycopg.connect(server.service_url, autocommit=True) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (
            "roundbook_service",
            "roundbook",
        )
        for forbidden in (
            "CREATE TABLE t ()",
            "CREATE TEMPORARY TABLE t ()",
            "SELECT lo_create(0)",
            "CREATE SCHEMA s",
            "CREATE ROLE r",
            "CREATE DATABASE d",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())


def test_the_owner_may_migrate_and_is_no_superuser(server: EmbeddedServer) -> None:
    with server, psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s CREATE TABLE t ()")
        connection.execute("GRANT USAGE ON SCHEMA s TO roundbook_service")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE ROLE r")


def test_a_cluster_half_made_is_made_again(
    server: EmbeddedServer, data_dir: Path, neighbour: Callable[[], Neighbour]
) -> None:
    first = neighbour()
    eventually(lambda: any(data_dir.glob("postgres-draft-*/base")))
    with stopped(*descendants(first.process.pid)):  # so that none begins another
        begun = descendants(first.process.pid)
        first.kill()
    # What initdb had begun goes on for a moment, in the folder that is to be removed.
    eventually(lambda: not any(map(runs, begun)))
    assert not (data_dir / "postgres").exists()
    with server:
        write_rows(server.owner_url)
    assert not list(data_dir.glob("postgres-draft-*"))


def test_data_of_another_major_version_are_refused(server: EmbeddedServer, data_dir: Path) -> None:
    with server:
        write_rows(server.owner_url)
    version = data_dir / "postgres/PG_VERSION"
    right = version.read_text()
    version.write_text("12\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 12, which PostgreSQL"):
        server.__enter__()
    version.write_text(right)
    with server:
        assert rows(server.owner_url) == 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"9.6\n", "made by PostgreSQL 9.6, which PostgreSQL"),
        (b"99\n", "made by PostgreSQL 99, which PostgreSQL"),
        (b"180006\n", "names no version of PostgreSQL: '180006'"),
        (b"\xef\xbb\xbf18\n", "names no version of PostgreSQL"),
        (b"\xff\n", "names no version of PostgreSQL"),
        (b"", "names no version of PostgreSQL: ''"),
        (None, "holds no data of PostgreSQL"),
    ],
)
def test_versions_are_named_as_people_write_them(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "PG_VERSION").write_bytes(content)
    with pytest.raises(EmbeddedError, match=said) as refused:
        check_version(tmp_path, Binaries(Path("/opt/postgresql/bin"), 18))
    assert str(tmp_path) in str(refused.value)


def test_a_folder_without_a_cluster_is_left_alone(server: EmbeddedServer, data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres/precious").touch()
    with pytest.raises(EmbeddedError, match="holds no data"):
        server.__enter__()
    assert (data_dir / "postgres/precious").exists()


def test_why_the_server_did_not_start_is_told(server: EmbeddedServer, data_dir: Path) -> None:
    with server:
        pass
    (data_dir / "postgres/global/pg_control").unlink()
    with pytest.raises(EmbeddedError, match="pg_control"):
        server.__enter__()


def test_another_users_data_are_refused_by_name(
    server: EmbeddedServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server:
        pass
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(EmbeddedError, match="belongs to the user"):
        accounts.server_account(data_dir / "postgres")


def test_a_server_that_was_killed_is_started_again(
    server: EmbeddedServer, data_dir: Path, said: list[str]
) -> None:
    with server:
        write_rows(server.owner_url)
        os.kill(postmaster(data_dir), signal.SIGKILL)
        kept_alive(server)
        assert rows(server.owner_url) == 100
        # What it leaves behind may end the first that is started.
        [told] = [each for each in said if "status -9" in each]
        assert str(data_dir / "postgres.log") in told


def test_a_server_whose_socket_was_tidied_away_is_started_again(
    server: EmbeddedServer, data_dir: Path, said: list[str]
) -> None:
    with server:
        server.keep_alive()
        (data_dir / "socket/.s.PGSQL.5432").unlink()
        kept_alive(server)
        assert "lost its socket" in said[-1]


def test_a_server_that_cannot_be_started_is_tried_again_until_it_can(
    server: EmbeddedServer, data_dir: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "FIRST_PAUSE_S", 0.05)
    server = EmbeddedServer(data_dir, say=said.append)
    with server:
        version = data_dir / "postgres/PG_VERSION"
        right = version.read_text()
        version.write_text("12\n")
        pid = postmaster(data_dir)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not runs(pid))
        for _ in range(100):
            server.keep_alive()
        assert 1 < len(said) < 5, "it backs off"
        assert "PostgreSQL 12" in said[-1]
        version.write_text(right)
        kept_alive(server)


def test_the_log_does_not_grow_without_bound(
    server: EmbeddedServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server:
        before = (data_dir / "postgres.log").read_text()
        monkeypatch.setattr(log, "LIMIT_BYTES", 10)
        server.keep_alive()
        assert (data_dir / "postgres.log").read_text() == ""
        assert (data_dir / "postgres.log.old").read_text() == before
        with (
            psycopg.connect(server.admin_url) as connection,
            pytest.raises(psycopg.errors.UndefinedTable),
        ):
            connection.execute("SELECT FROM this_is_no_table")
        after = (data_dir / "postgres.log").read_text()
        assert "this_is_no_table" in after
        assert "\0" not in after
