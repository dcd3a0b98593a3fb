"""Appending to a tenant's log: the lock, positions and versions, and COPY in PostgreSQL's binary format."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.database.connections import Connection
from app.log.statements import SQL

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": a header, then for each row
# the number of fields and each field behind its length, then -1.
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = struct.pack(">h", -1)
_FIELDS = 9
_PLACE = struct.Struct(">hiiiqiiiq")
_LENGTH = struct.Struct(">i")
_TIME = struct.Struct(">iq")
_NULL = _LENGTH.pack(-1)
_KEY_LENGTH = _LENGTH.pack(16)


class NewEvent(NamedTuple):
    """An event to append: what it says, not yet where it stands. `key` is 16 bytes, or none."""

    stream: str
    topic: str
    key: bytes | None
    occurred_at: datetime | None
    state: bytes


class UnknownTenantError(LookupError):
    """There is no such tenant."""


@contextmanager
def locked_log(connection: Connection, tenant_id: int) -> Iterator[int]:
    """Hold a tenant's log for one transaction, and give its head (0 for an empty log).

    Everything that can be done before should be: all writers of the tenant wait meanwhile. Raises
    UnknownTenantError, and psycopg.errors.LockNotAvailable when its turn doesn't come in time.
    """
    with connection.transaction():
        locked = connection.execute(SQL.lock_tenant.sql, {"tenant_id": tenant_id}).fetchone()
        if locked is None:
            raise UnknownTenantError(tenant_id)
        yield head(connection, tenant_id)


def head(connection: Connection, tenant_id: int) -> int:
    """Give the greatest position of a tenant's log, 0 if it is empty."""
    found = connection.execute(SQL.head.sql, {"tenant_id": tenant_id}).fetchone()
    return (found and found[0]) or 0


def encode(event: NewEvent) -> bytes:
    """Write the part of a row that doesn't depend on the event's place in the log."""
    stream = event.stream.encode()
    topic = event.topic.encode()
    return b"".join(
        (
            _NULL if event.key is None else _KEY_LENGTH + event.key,
            _LENGTH.pack(len(stream)),
            stream,
            _LENGTH.pack(len(topic)),
            topic,
            _NULL if event.occurred_at is None else _TIME.pack(8, _micros(event.occurred_at)),
            _LENGTH.pack(len(event.state)),
            event.state,
        )
    )


def _micros(moment: datetime) -> int:
    return (moment - _POSTGRES_EPOCH) // _MICROSECOND


def copy(
    connection: Connection,
    tenant_id: int,
    head: int,
    versions: Sequence[int],
    encoded: Iterable[bytes],
    recorded_at: datetime,
) -> None:
    """Append encoded events behind `head`, in the order given, each with its version.

    To be called within `locked_log`. Raises psycopg.errors.UniqueViolation if a key or a version is
    in the log already.
    """
    recorded = _micros(recorded_at)
    rows = [_COPY_HEADER]
    for position, (version, rest) in enumerate(zip(versions, encoded, strict=True), start=head + 1):
        rows.append(_PLACE.pack(_FIELDS, 4, tenant_id, 8, position, 4, version, 8, recorded))
        rows.append(rest)
    rows.append(_COPY_TRAILER)
    with connection.cursor() as cursor, cursor.copy(SQL.copy_events.sql) as sink:
        sink.write(b"".join(rows))
