"""The PostgreSQL that is measured on: an embedded one in a temporary folder, or the one that was named."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import click
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from api.schema import SCHEMA
from app.settings import Settings, read_settings
from postgres.connections import connect
from postgres.embedded import EmbeddedServer
from postgres.migrate import migrate

# What makes a commit durable. Where one of them is not `on`, nothing is measured.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_TOLD = (
    *DURABLE,
    "wal_sync_method",
    "commit_delay",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
)

_numbers = itertools.count(1)


class Database(NamedTuple):
    """A migrated, empty database: the credential that serves and the one that owns.

    `keys` is the folder of the keys that sign its logs.
    """

    service_url: str
    owner_url: str
    keys: Path

    def environment(self) -> dict[str, str]:
        """Keep the settings of whoever runs the benchmark, but for the database and the keys."""
        return os.environ | {
            "ROUNDBOOK_DATABASE_URL": self.service_url,
            "ROUNDBOOK_OWNER_URL": self.owner_url,
            "ROUNDBOOK_SIGNING_KEYS": str(self.keys),
        }

    def settings(self) -> Settings:
        """Read these settings as the service does."""
        return read_settings(self.environment())


class Server(NamedTuple):
    """A running PostgreSQL. `folder` is where its data is, if it is ours; `admin_url` makes databases."""

    admin_url: str
    owner_url: str
    service_url: str
    folder: Path | None

    @contextmanager
    def new_database(self) -> Iterator[Database]:
        """Make a database, and drop it in the end: no part meets what another one left."""
        name = f"roundbook_bench_{os.getpid()}_{next(_numbers)}"
        urls = _in(self.service_url, name), _in(self.owner_url, name)
        owner = sql.Identifier(_user(self.owner_url))
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            admin.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(name), owner)
            )
        try:
            with TemporaryDirectory(prefix="roundbook-bench-keys-") as keys:
                database = Database(*urls, Path(keys))
                migrate(SCHEMA, database.owner_url, database.service_url)
                yield database
        finally:
            with psycopg.connect(self.admin_url, autocommit=True) as admin:
                drop = sql.SQL("drop database {} with (force)")
                admin.execute(drop.format(sql.Identifier(name)))


@contextmanager
def open_server() -> Iterator[Server]:
    """Start the embedded server, or use that of ROUNDBOOK_DATABASE_URL; stop what was started."""
    settings = read_settings()
    url = settings.database_url
    if url is not None:
        owner_url = settings.owner_url or url
        yield Server(owner_url, owner_url, url, None)
        return
    with TemporaryDirectory(prefix="roundbook-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another user, who must get there
        with EmbeddedServer(folder) as server:
            yield Server(server.admin_url, server.owner_url, server.service_url, folder)


def durable_settings(server: Server) -> dict[str, str]:
    """Ask the server for its settings, as the service's connections and as plain ones see them.

    Raises click.ClickException unless commits are durable for both.
    """
    with psycopg.connect(server.service_url, autocommit=True) as plain:
        _settings(plain)
    with connect(server.service_url) as connection:
        return _settings(connection)


def _settings(connection: psycopg.Connection) -> dict[str, str]:
    found = {}
    for name in _TOLD:
        row = connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
        found[name] = str(row[0]) if row else ""
    for name in DURABLE:
        if found[name] != "on":
            raise click.ClickException(f"{name} is {found[name]!r}: figures would be worth nothing")
    return found


def _in(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _user(url: str) -> str:
    return str(conninfo_to_dict(url).get("user") or os.environ.get("USER", ""))
