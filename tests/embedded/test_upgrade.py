"""A data folder becomes one of another version, or stays as it was; here from this version to this one.

From an older one it is tried by `make test-upgrade`, which needs its programs.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postgres.embedded import EmbeddedError, EmbeddedServer
from postgres.embedded import upgrade as module
from postgres.embedded.binaries import find_binaries
from postgres.embedded.place import find_place
from postgres.embedded.process import running_postmaster
from postgres.embedded.upgrade import Upgraded, kept_folders, remove_kept, upgrade
from tests.embedded import killed_upgrade
from tests.embedded.processes import Neighbour, postmaster, rows, write_rows


def programs(data_dir: Path) -> Path:
    """The folder of the programs of this version."""
    return find_binaries(find_place(data_dir, lambda _: None, make=False)).folder


def again(data_dir: Path, said: list[str]) -> Upgraded | None:
    return upgrade(data_dir, old_binaries=programs(data_dir), say=said.append, again=True)


def as_version(data_dir: Path, version: str) -> str:
    """Let a data folder say that it is of another version; gives of which it was."""
    file = data_dir / "postgres/PG_VERSION"
    before = file.read_text()
    file.write_text(f"{version}\n")
    return before


def test_all_is_there_afterwards_and_the_old_folder_until_it_is_removed(
    server: EmbeddedServer, data_dir: Path, said: list[str]
) -> None:
    with server:
        write_rows(server.owner_url)
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("alter system set work_mem = '7MB'")
    done = again(data_dir, said)
    assert done is not None
    assert done.kept == data_dir / f"postgres-{done.now}"
    assert kept_folders(data_dir) == [done.kept]
    with EmbeddedServer(data_dir) as upgraded:
        assert upgraded.owner_url == server.owner_url
        assert rows(upgraded.owner_url) == 100
        with psycopg.connect(upgraded.service_url) as connection:
            for name, value in (("work_mem", "7MB"), ("data_checksums", "on")):
                assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,)
        with pytest.raises(EmbeddedError, match=r"process \d+ runs the embedded PostgreSQL"):
            again(data_dir, said)
    with pytest.raises(EmbeddedError, match="upgrade --remove-old"):
        again(data_dir, said)
    assert upgrade(data_dir, old_binaries=None, say=said.append) is None
    assert remove_kept(data_dir, say=said.append) == [done.kept]
    assert not done.kept.exists()
    assert {path.name for path in data_dir.iterdir() if path.is_dir()} <= {"postgres", "socket"}


def test_a_kill_at_any_moment_leaves_what_starts(
    server: EmbeddedServer, data_dir: Path, said: list[str]
) -> None:
    with server:
        write_rows(server.owner_url)
    recorded = 100
    for moment in killed_upgrade.MOMENTS:
        command = [sys.executable, "-m", "tests.embedded.killed_upgrade", str(data_dir)]
        ended = subprocess.run(
            [*command, str(programs(data_dir)), moment],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == -signal.SIGKILL, (moment, ended.stderr)
        with EmbeddedServer(data_dir) as after:
            assert rows(after.owner_url) == recorded, moment
            write_rows(after.owner_url, first=recorded, count=1)
        recorded += 1
    # Of the old one no more is there than it held: the new one went on.
    assert upgrade(data_dir, old_binaries=None, say=said.append) is None
    assert len(kept_folders(data_dir)) == 1
    assert running_postmaster(data_dir / "upgrade/postgres") is None
    assert not (data_dir / "upgrade").exists()


def test_a_cluster_that_was_killed_is_recovered_first(
    data_dir: Path,
    server: EmbeddedServer,
    said: list[str],
    neighbour: Callable[[], Neighbour],
) -> None:
    owner = neighbour()
    _, url = owner.entered()
    write_rows(url)
    pid = postmaster(data_dir)
    os.kill(pid, signal.SIGSTOP)
    owner.kill()
    os.kill(pid, signal.SIGKILL)
    assert again(data_dir, said) is not None
    with server, psycopg.connect(server.admin_url) as connection:
        assert connection.execute("select count(*) from acknowledged").fetchone() == (100,)


def test_backends_that_outlive_a_server_that_was_killed_are_waited_for(
    data_dir: Path,
    server: EmbeddedServer,
    said: list[str],
    neighbour: Callable[[], Neighbour],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = neighbour()
    _, url = owner.entered()
    write_rows(url)
    refused, run = list[str](), module._run
    with psycopg.connect(url) as session:
        pids = postmaster(data_dir), session.info.backend_pid
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        owner.kill()
        os.kill(pids[0], signal.SIGKILL)

        def note(command: Sequence[str], *arguments: Any, **named: Any) -> str:
            try:
                return run(command, *arguments, **named)
            except EmbeddedError as error:
                refused.append(str(error))
                with suppress(ProcessLookupError):  # it went on, and ended, the first time
                    os.kill(session.info.backend_pid, signal.SIGCONT)
                raise

        monkeypatch.setattr(module, "_run", note)
        assert again(data_dir, said) is not None
    assert "pre-existing shared memory block" in refused[0]
    with server, psycopg.connect(server.admin_url) as connection:
        assert connection.execute("select count(*) from acknowledged").fetchone() == (100,)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("9.6", r"made by PostgreSQL 9\.6, .* bring it there by `roundbook upgrade`"),
        ("16", "made by PostgreSQL 16, .* needs the programs of PostgreSQL 16"),
        ("17", "made by PostgreSQL 17, .* needs the programs of PostgreSQL 17"),
        (
            "99",
            "made by PostgreSQL 99, .* use the release of Roundbook that made it, or a later one$",
        ),
    ],
)
def test_who_serves_is_told_the_command(
    server: EmbeddedServer, data_dir: Path, version: str, words: str
) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres/PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(EmbeddedError, match=words):
        server.__enter__()


@pytest.fixture
def cluster(server: EmbeddedServer, data_dir: Path) -> Path:
    """A data folder with rows in it, which nobody runs."""
    with server:
        write_rows(server.owner_url)
    return data_dir


def test_what_would_not_come_to_an_end_is_refused_before_it_begins(
    cluster: Path, server: EmbeddedServer, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = as_version(cluster, "17")

    def refused(words: str, **how: Path | None) -> None:
        with pytest.raises(EmbeddedError, match=words):
            upgrade(cluster, **{"old_binaries": None, **how}, say=said.append, again=True)
        assert not (cluster / "upgrade").exists()

    with monkeypatch.context() as without:
        without.setattr(module, "HOST_FOLDER", cluster / "nowhere")
        refused(f"programs of PostgreSQL 17.* {cluster}/nowhere/17/bin has none.* postgresql-17")
    refused("programs of PostgreSQL 17", old_binaries=programs(cluster))
    as_version(cluster, "99")
    refused("99, which can't become PostgreSQL")
    as_version(cluster, "twelve")
    refused("names no version")
    as_version(cluster, version.strip())
    own = programs(cluster)
    for name in ("standby.signal", "recovery.signal"):
        (cluster / "postgres" / name).touch()
        refused(re.escape(name), old_binaries=own)
        (cluster / "postgres" / name).unlink()
    with monkeypatch.context() as full:
        full.setattr(module, "_SPARE_BYTES", 1 << 62)
        refused("MB free", old_binaries=own)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(module, "can_exchange", lambda _: False)
        refused("can't exchange two folders", old_binaries=own)
    with server:
        assert rows(server.owner_url) == 100


def test_what_fails_half_way_leaves_all_as_it_was(
    cluster: Path, server: EmbeddedServer, said: list[str]
) -> None:
    """A setting that the new version doesn't take: what refuses it is the old one here, as it is the same."""
    settings = cluster / "postgres/postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text(before + "log_min_messages = nonsense\n")
    with pytest.raises(EmbeddedError, match="nonsense"):
        again(cluster, said)
    settings.write_text(before)
    with server:
        assert rows(server.owner_url) == 100
    assert again(cluster, said) is not None
    with server:
        assert rows(server.owner_url) == 100


def test_where_nothing_is_nothing_is_made(data_dir: Path, said: list[str]) -> None:
    with pytest.raises(EmbeddedError, match="there is no store"):
        upgrade(data_dir, old_binaries=None, say=said.append)
    data_dir.mkdir()
    (data_dir / "lock").touch()
    with pytest.raises(EmbeddedError, match="nothing to upgrade"):
        upgrade(data_dir, old_binaries=None, say=said.append)
    assert not (data_dir / "postgres").exists()
