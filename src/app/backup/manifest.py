"""What a backup says of itself: of which logs it is, and how far they go."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Looking what logs there are."""

    logs_there: Statement


SQL = Sql(__file__)


class BackupError(Exception):
    """A backup can't be made, read or brought back; the message says why."""


class LogThere(Struct, frozen=True):
    """A tenant's log as it is in a database, and how far it is sealed.

    `log_id` and `root` are in hexadecimal digits, null where there is none yet. `position` is that of the
    last event, and `events` counts them.
    """

    tenant_id: int
    tenant: str
    log_id: str | None
    events: int
    position: int
    sealed: int
    root: str | None


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup is of. `steps` are those of its schema, `postgres` and `pg_dump` major versions.

    `dump_bytes` and `sha256` (hexadecimal digits) are those of the dump.
    """

    format: Literal["roundbook-backup/1"] = "roundbook-backup/1"
    made_at: datetime
    roundbook: str
    steps: list[int]
    postgres: int
    pg_dump: int
    dump_bytes: int
    sha256: str
    logs: list[LogThere]

    @property
    def events(self) -> int:
        """How many events are in it."""
        return sum(log.events for log in self.logs)


def logs_there(connection: Connection) -> list[LogThere]:
    """Return what logs a database has, by tenant. Raises psycopg.Error."""
    return fetch_all(connection, SQL.logs_there, None, LogThere)
