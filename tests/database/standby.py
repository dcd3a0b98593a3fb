"""A real server of PostgreSQL on loopback, and a standby that follows it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

from postgres.connections import connect
from postgres.embedded.accounts import Account, is_root
from postgres.embedded.binaries import find_binaries
from postgres.embedded.place import find_place
from tests.faults.places import free_port, temporary_folder
from tests.http.service import eventually


class Programs(NamedTuple):
    """PostgreSQL's programs, and the account that may run them."""

    folder: Path
    account: Account

    def run(self, name: str, *arguments: str) -> None:
        """Run one to its end."""
        command = [str(self.folder / name), *arguments]
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", **self.who()
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def who(self) -> dict[str, Any]:
        """Return what makes subprocess run a program as the account."""
        return {"user": self.account.uid, "group": self.account.gid} if is_root() else {}


class Server:
    """A server, listening on a port of loopback, which lets everybody in."""

    def __init__(self, programs: Programs, pgdata: Path) -> None:
        self._programs = programs
        self.pgdata = pgdata
        self.port = free_port()
        self.admin_url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_wal_senders": "4",
            "wal_receiver_status_interval": "1s",
            "wal_retrieve_retry_interval": "100ms",
            "shared_buffers": "32MB",
        }
        options = [each for name, value in settings.items() for each in ("-c", f"{name}={value}")]
        command = [str(self._programs.folder / "postgres"), "-D", str(self.pgdata), *options]
        with Path(f"{self.pgdata}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd="/", **self._programs.who()
            )
        eventually(self.answers)
        return self

    def answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url).close()
        except psycopg.OperationalError:
            return False
        return True

    def end(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it: at once, as by a loss of power, unless the signal says otherwise."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def ask(self, statement: str) -> object:
        """Run a statement as the superuser; gives the first value."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            found = admin.execute(statement.encode())
            row = found.fetchone() if found.description else None
        return row[0] if row else None

    def url(self, url: str) -> str:
        """Return the URL by which this server is reached, where `url` leads to another one."""
        parts = urlsplit(url)
        role = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{role}@127.0.0.1:{self.port}"))

    def follow(self, name: str) -> "Server":
        """Make a standby of this server and start it."""
        pgdata = self.pgdata.with_name(name)
        options = ["--checkpoint=fast", "--write-recovery-conf", f"--pgdata={pgdata}"]
        self._programs.run("pg_basebackup", f"--dbname={self.admin_url}", *options)
        return Server(self._programs, pgdata).start()

    def wait_for(self, standby: "Server") -> None:
        """Acknowledge no commit from now on that the standby does not have on its disk."""
        self.ask("alter system set synchronous_standby_names = '*'")
        self.ask("select pg_reload_conf()")
        eventually(
            lambda: (
                self.ask("select count(*) from pg_stat_replication where sync_state = 'sync'") == 1
            )
        )
        assert standby.ask("select pg_is_in_recovery()") is True

    def wait_for_none(self) -> None:
        """Take that back."""
        self.ask("alter system reset synchronous_standby_names")
        self.ask("select pg_reload_conf()")


class Pair(NamedTuple):
    """A server and its standby."""

    primary: Server
    standby: Server


@contextmanager
def replicating() -> Iterator[Pair]:
    """Run a server and a standby of it."""
    with temporary_folder() as folder:
        place = find_place(folder / "programs", lambda _: None)
        programs = Programs(find_binaries(place).folder, place.account)
        home = folder / "servers"
        home.mkdir()
        if is_root():
            os.chown(home, place.account.uid, place.account.gid)
        primary = Server(programs, home / "primary")
        programs.run(
            "initdb", "-D", str(primary.pgdata), "-U", "postgres", "-E", "UTF8", "--locale=C",
            "-A", "trust", "--no-sync",
        )  # fmt: skip
        standby: Server | None = None
        try:
            standby = primary.start().follow("standby")
            yield Pair(primary, standby)
        finally:
            for server in filter(None, [standby, primary]):
                server.end()
            shutil.rmtree(home)


def replayed(pair: Pair) -> bool:
    """Tell whether the standby shows all that the primary has."""
    with connect(pair.primary.admin_url) as primary:
        found = primary.execute("select pg_current_wal_insert_lsn()::text").fetchone()
    assert found is not None
    return pair.standby.ask(f"select pg_last_wal_replay_lsn() >= '{found[0]}'::pg_lsn") is True
