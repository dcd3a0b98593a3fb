"""Several processes at once, and what dead ones leave behind."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from postgres.embedded import EmbeddedError, EmbeddedServer, StoppedError, waiting
from postgres.embedded.accounts import server_account
from tests.embedded.processes import (
    Neighbour,
    accepts,
    eventually,
    kept_alive,
    postmaster,
    rows,
    write_rows,
)
from tests.processes import runs

Start = Callable[[], Neighbour]


def test_of_processes_that_start_at_once_exactly_one_owns_the_server(neighbour: Start) -> None:
    entered = [each.entered() for each in [neighbour(), neighbour(), neighbour()]]
    assert sorted(role for role, _ in entered) == ["attached", "attached", "owner"]
    assert len({url for _, url in entered}) == 1


def test_an_attached_process_leaves_the_server_running(
    server: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    _, url = neighbour().entered()
    pid = postmaster(data_dir)
    with server:
        assert server.admin_url == url
        write_rows(server.owner_url)
        server.keep_alive()
    assert accepts(url)
    assert postmaster(data_dir) == pid


def test_when_the_owner_leaves_an_attached_process_takes_over(
    server: EmbeddedServer, data_dir: Path, said: list[str], neighbour: Start
) -> None:
    owner = neighbour()
    owner.entered()
    with (
        server,
        ConnectionPool(server.owner_url, min_size=1, check=ConnectionPool.check_connection) as pool,
    ):
        write_rows(server.owner_url)
        owner.leave()
        assert not accepts(server.admin_url)
        kept_alive(server)
        with pool.connection() as connection:
            assert connection.execute("SELECT count(*) FROM acknowledged").fetchone() == (100,)
        assert len(said) == 1
        assert "lost the process that ran it and was started again by this process" in said[0]
        pid = postmaster(data_dir)
    assert not runs(pid)


def test_when_the_owner_is_killed_an_attached_process_takes_over(
    server: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    owner = neighbour()
    owner.entered()
    with server:
        write_rows(server.owner_url)
        pid = postmaster(data_dir)
        owner.kill()
        eventually(lambda: not runs(pid))
        kept_alive(server)
        assert rows(server.owner_url) == 100


def test_a_server_ends_with_its_owner_even_if_that_is_killed(
    server: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    owner = neighbour()
    _, url = owner.entered()
    pid = postmaster(data_dir)
    acknowledged = 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE acknowledged (n int)")
        with suppress(psycopg.OperationalError):
            while True:
                connection.execute("INSERT INTO acknowledged VALUES (%s)", [acknowledged])
                acknowledged += 1
                if acknowledged == 200:
                    owner.kill()
    eventually(lambda: not runs(pid))
    with server:
        assert acknowledged <= rows(server.admin_url) <= acknowledged + 1


def test_a_restart_straight_after_everything_was_killed_recovers(
    server: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    owner = neighbour()
    _, url = owner.entered()
    with closing(psycopg.connect(url)) as busy:
        write_rows(url)
        busy.execute("SELECT 1")
        pid = postmaster(data_dir)
        owner.process.send_signal(signal.SIGSTOP)  # so that it does not start another one
        os.kill(pid, signal.SIGKILL)
        owner.kill()
        with server:
            assert rows(server.admin_url) == 100


def test_a_server_left_behind_is_waited_for(
    data_dir: Path, neighbour: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SLOW_S", 0.1)
    owner = neighbour()
    _, url = owner.entered()
    write_rows(url)
    pid = postmaster(data_dir)
    said = []
    with closing(psycopg.connect(url)) as session:
        backend = session.info.backend_pid

        def say(line: str) -> None:
            said.append(line)
            os.kill(backend, signal.SIGCONT)

        os.kill(backend, signal.SIGSTOP)  # the shutdown waits for it
        owner.kill()
        with EmbeddedServer(data_dir, say=say) as server:
            assert not runs(pid)
            assert rows(server.admin_url) == 100
    assert len(said) == 1
    assert said[0].startswith(f"waiting for process {pid}, a PostgreSQL that outlived whoever ran")


def test_a_server_left_behind_that_is_stopped_goes_on_to_its_end(
    server: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    """It never came to the signal that the death of its owner sent it, and each start waited in vain."""
    owner = neighbour()
    _, url = owner.entered()
    write_rows(url)
    pid = postmaster(data_dir)
    os.kill(pid, signal.SIGSTOP)
    owner.kill()
    with server:
        assert not runs(pid)
        assert rows(server.admin_url) == 100


@pytest.fixture
def unrelated(server: EmbeddedServer, data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's user that names the data folder, its id in stale lock files."""
    with server:
        write_rows(server.owner_url)
        lock = (data_dir / "postgres/postmaster.pid").read_bytes()
        socket_lock = (data_dir / "socket/.s.PGSQL.5432.lock").read_bytes()
    account = server_account(data_dir / "postgres")
    command = ["cat", "-", str(data_dir / "postgres")]
    root = (
        {"user": account.uid, "group": account.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, **root)  # type: ignore[call-overload]
    for content, path in (
        (lock, "postgres/postmaster.pid"),
        (socket_lock, "socket/.s.PGSQL.5432.lock"),
    ):
        stale = data_dir / path
        stale.write_bytes(str(process.pid).encode() + b"\n" + content.partition(b"\n")[2])
        stale.chmod(0o600)
        os.chown(stale, account.uid, account.gid)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_stale_lock_whose_process_id_was_used_again_is_seen_through(
    server: EmbeddedServer, unrelated: subprocess.Popen[bytes]
) -> None:
    with server:
        assert rows(server.owner_url) == 100
    assert unrelated.poll() is None


def test_a_lock_file_cut_short_by_a_full_disk_is_no_obstacle(
    server: EmbeddedServer, data_dir: Path
) -> None:
    with server:
        pass
    for content in (b"", b"12", b"nonsense\n"):
        (data_dir / "postgres/postmaster.pid").write_bytes(content)
        with server:
            assert accepts(server.service_url)


def test_waiting_for_a_process_that_never_starts_the_server_is_told_and_ends(
    server: EmbeddedServer, data_dir: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SLOW_S", 0.0)
    monkeypatch.setattr(waiting, "READY_LIMIT_S", 1.0)
    data_dir.mkdir()
    with (data_dir / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711\n")
        held.flush()
        with pytest.raises(EmbeddedError, match="in vain for process 4711"):
            server.__enter__()
    assert len(said) == 1
    assert "can take minutes" in said[0]


def test_who_waits_for_another_process_leaves_when_asked(data_dir: Path) -> None:
    data_dir.mkdir()
    with (data_dir / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoppedError):
            EmbeddedServer(data_dir, stopped=lambda: True).__enter__()


def test_an_owner_whose_folder_was_replaced_gives_way_to_the_new_one(
    server: EmbeddedServer, data_dir: Path, folder: Path, neighbour: Start
) -> None:
    with server:
        write_rows(server.owner_url)
        data_dir.rename(folder / "moved")
        role, url = neighbour().entered()
        assert role == "owner"
        for _ in range(3):
            server.keep_alive()
        # The old server removed the new one's socket when it ended, but that has an owner to repair it.
        eventually(lambda: accepts(url))
