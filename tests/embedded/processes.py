"""What the tests share: another process of the service, and a look at PostgreSQL's own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from postgres.embedded import EmbeddedServer

_SERVICE = """
import select, sys
from pathlib import Path
from postgres.embedded import EmbeddedServer

with EmbeddedServer(Path(sys.argv[1])) as server:
    print("owner" if server._lock.held else "attached", server.admin_url, flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        server.keep_alive()
"""


class Neighbour:
    """A process that enters the server, keeps it alive, and leaves when told."""

    def __init__(self, data_dir: Path, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVICE, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | variables,
        )

    def entered(self) -> tuple[str, str]:
        """Wait until it entered; say as what, and the superuser's URL."""
        assert self.process.stdout is not None
        role, url = self.process.stdout.readline().split()
        return role, url

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode in {0, -9}


def eventually(condition: Callable[[], bool], *, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def kept_alive(server: EmbeddedServer, *, within_s: float = 60) -> None:
    """Do what a service does, until its server answers."""

    def answers() -> bool:
        server.keep_alive()
        return accepts(server.admin_url)

    eventually(answers, within_s=within_s)


def postmaster(home: Path) -> int:
    return int((home / "postgres/postmaster.pid").read_text().partition("\n")[0])


def write_rows(url: str, *, first: int = 0, count: int = 100) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS acknowledged (n int)")
        for n in range(first, first + count):
            connection.execute("INSERT INTO acknowledged VALUES (%s)", [n])


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM acknowledged").fetchone()
    assert found is not None
    return int(found[0])
