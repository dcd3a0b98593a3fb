"""A real pgbouncer before a database of the tests."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.faults.places import free_port, temporary_folder
from tests.http.service import eventually

_PROGRAM = "/usr/sbin/pgbouncer"


class Pooler(NamedTuple):
    """A running pgbouncer: its port, and how many sessions of the server each role has through it."""

    port: str

    def url(self, url: str) -> str:
        """Return a URL that leads through it to where `url` leads."""
        to = conninfo_to_dict(url)
        return f"postgresql://{to['user']}:{quote(str(to['password']))}@127.0.0.1:{self.port}/{to['dbname']}"


@contextmanager
def pooling(
    *urls: str, mode: str = "transaction", sessions: int = 2, **more: str
) -> Iterator[Pooler]:
    """Run a pgbouncer that leads where `urls` lead, with so many sessions for each of their roles."""
    to = [conninfo_to_dict(url) for url in urls]
    with temporary_folder() as folder:
        port = free_port()
        roles = {(str(each["user"]), str(each["password"])) for each in to}
        (folder / "users").write_text(
            "".join(f'"{name}" "{password}"\n' for name, password in roles)
        )
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(folder / "users"),
            "pool_mode": mode,
            "default_pool_size": str(sessions),
            "max_client_conn": "500",
            "server_round_robin": "1",  # so that hardly two transactions have the same session
            **more,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        host = f"host={to[0]['host']} port={to[0].get('port', 5432)}"
        (folder / "ini").write_text(
            "\n".join(["[databases]", f"* = {host}", "[pgbouncer]", *lines])
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_PROGRAM, str(folder / "ini")],
                stdout=log,
                stderr=log,
                user=_who_may_reach(Path(str(to[0]["host"]))),
            )
        pooler = Pooler(port)
        try:
            eventually(lambda: _answers(pooler.url(urls[0])))
            yield pooler
        finally:
            process.terminate()
            process.wait(60)


def _who_may_reach(host: Path) -> int | str | None:
    """Return whom to run it as: it refuses root, and a socket may be for its owner alone."""
    if os.geteuid() != 0:
        return None
    return host.stat().st_uid if host.is_absolute() else "nobody"


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError as error:
        return "onnection refused" not in str(error)
    return True
