"""Times that can't be: the database can hold what no clock shows, such as infinity, or a year before Christ.

They must not keep a log from being verified. So on a connection that verifies each is read as the nearest
time that can be, and told here.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg.types.datetime import TimestamptzBinaryLoader, TimestamptzLoader

from app.evidence.verification.findings import Findings
from app.log.leaves import Log
from postgres.binary import micros
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Finding times that can't be."""

    impossible_times: Statement


SQL = Sql(__file__)

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
CLOCK = range(micros(_FIRST), micros(_LAST) + 1)
"""The times that a clock can show, in microseconds since 2000."""


class _Text(TimestamptzLoader):
    def load(self, data: bytes | bytearray | memoryview) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _FIRST if bytes(data).endswith(b"BC") or bytes(data)[:1] == b"-" else _LAST


class _Binary(TimestamptzBinaryLoader):
    def load(self, data: bytes | bytearray | memoryview) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _FIRST if int.from_bytes(data, signed=True) < 0 else _LAST


class _Impossible(NamedTuple):
    position: int
    what: str
    value: str


def read_any_time(connection: Connection) -> None:
    """Read times that can't be as the nearest ones that can."""
    connection.adapters.register_loader("timestamptz", _Text)
    connection.adapters.register_loader("timestamptz", _Binary)


def check_times(connection: Connection, log: Log, findings: Findings) -> None:
    """Tell of times, other than those of events, that no clock shows."""
    of = {"tenant_id": log.tenant_id, "log_number": log.number}
    for found in fetch_all(connection, SQL.impossible_times, of, _Impossible):
        words = f"{found.what} has the time {found.value}, which no clock shows"
        findings.add(found.position, found.position, "time", words)
