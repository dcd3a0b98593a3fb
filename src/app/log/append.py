"""Appending to a tenant's log, under its lock: the events, and the hashes that commit to them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice, repeat
from typing import NamedTuple

from app.log.rows import copy_pieces
from app.log.statements import SQL
from domain.evidence.leaves import LOG_ID_BYTES, leaf_hashes
from postgres.binary import micros
from postgres.connections import Connection
from postgres.rows import fetch_one, fetch_pairs
from postgres.statements import Statement

# So many rows are sent at once: PostgreSQL has something to do while their leaves are hashed.
_PIECE = 1_000


class UnknownTenantError(LookupError):
    """The tenant is unknown."""


class TenantClosedError(Exception):
    """The tenant is closed: nothing is recorded for it any more."""


class LogHead(NamedTuple):
    """Where a tenant's log goes on: its last position, 0 if it is empty.

    `number` counts the tenant's logs, and `log_id` is what the leaves of this one hold. `now` is when what is
    appended is recorded: by the database's clock, and not before the head, for times of recording never
    decrease.
    """

    tenant_id: int
    position: int
    now: datetime
    number: int
    log_id: bytes


@contextmanager
def locked_log(connection: Connection, tenant_id: int) -> Iterator[LogHead]:
    """Hold a tenant's log for one transaction, and give where it goes on.

    Everything that can be done before should be: all writers of the tenant wait meanwhile. Raises
    UnknownTenantError, and psycopg.errors.LockNotAvailable when its turn doesn't come in time.
    """
    with connection.transaction():
        log = _head(connection, SQL.lock_log, tenant_id)
        yield log if log.number else log._replace(number=1, log_id=begin_log(connection, tenant_id))


def head(connection: Connection, tenant_id: int) -> int:
    """Return the last position of a tenant's log, 0 if it is empty."""
    return read_head(connection, tenant_id).position


def heads(connection: Connection, tenant_ids: Sequence[int]) -> dict[int, int]:
    """Return the same of several tenants, in one query."""
    parameters = {"tenant_ids": list(tenant_ids)}
    return dict(fetch_pairs(connection, SQL.heads, parameters, "tenant_id", int))


def read_head(connection: Connection, tenant_id: int) -> LogHead:
    """Return where a tenant's log goes on, without its lock: by now others may have gone on.

    The log of a tenant that was made by a version that knew of no ids has none before it is next written to:
    number 0, and zeros. Raises UnknownTenantError.
    """
    return _head(connection, SQL.where_log_goes_on, tenant_id)


def begin_log(connection: Connection, tenant_id: int) -> bytes:
    """Begin the first log of a tenant; gives its id."""
    log_id = os.urandom(LOG_ID_BYTES)
    _begin(connection, tenant_id, log_id, predecessor=None, note=None)
    return log_id


def follow_log(connection: Connection, before: LogHead, log_id: bytes, note: str) -> None:
    """Begin another log of a tenant over the same events, with a note that says what it follows and why.

    To be called within `locked_log`, which gave the one before.
    """
    _begin(connection, before.tenant_id, log_id, predecessor=before.log_id, note=note)


def copy(
    connection: Connection,
    log: LogHead,
    versions: Sequence[int],
    rows: Sequence[bytes],
    contents: Sequence[bytes],
) -> bytes:
    """Append events after the head, in the order given, each with its version; gives their leaf hashes.

    `rows` are theirs for COPY but for their places, `contents` what commits to them (see
    domain.evidence.leaves). The hashes are recorded beside the events, 32 bytes each: no event without.
    They are made piece by piece, while PostgreSQL takes in the rows that were sent.

    To be called within `locked_log`: what is not where the log goes on PostgreSQL refuses (see
    migrations/0008_privileges.sql). Raises psycopg.errors.UniqueViolation if a key or a version is in the log
    already.
    """
    if not rows:
        # Hashes of nothing would take the place of those that come next.
        return b""
    recorded, events, made = micros(log.now), len(rows), []
    pieces = copy_pieces(log.tenant_id, log.position, versions, rows, recorded, piece=_PIECE)
    positions = range(log.position + 1, log.position + events + 1)
    places = zip(positions, repeat(recorded, events), versions, strict=True)
    with connection.cursor() as cursor, cursor.copy(SQL.copy_events.sql) as sink:
        for start, data in zip(range(0, events, _PIECE), pieces, strict=True):
            sink.write(data)
            of = contents[start : start + _PIECE]
            made.append(leaf_hashes(log.log_id, islice(places, _PIECE), of))
    hashes = b"".join(made)
    add_leaf_run(connection, log.tenant_id, log.number, log.position + 1, hashes)
    return hashes


def add_leaf_run(
    connection: Connection, tenant_id: int, log_number: int, first_position: int, hashes: bytes
) -> None:
    """Keep the leaf hashes of consecutive events, 32 bytes each, by the position of the first."""
    run = {
        "tenant_id": tenant_id,
        "log_number": log_number,
        "first_position": first_position,
        "hashes": hashes,
    }
    connection.execute(SQL.add_leaf_run.sql, run)


def _begin(
    connection: Connection,
    tenant_id: int,
    log_id: bytes,
    *,
    predecessor: bytes | None,
    note: str | None,
) -> None:
    row = {"tenant_id": tenant_id, "log_id": log_id, "predecessor": predecessor, "note": note}
    connection.execute(SQL.begin_log.sql, row)


class _Found(NamedTuple):
    head: int
    now: datetime
    number: int | None
    log_id: bytes | None


def _head(connection: Connection, statement: Statement, tenant_id: int) -> LogHead:
    found = fetch_one(connection, statement, {"tenant_id": tenant_id}, _Found)
    if found is None:
        raise UnknownTenantError(tenant_id)
    number, log_id = found.number or 0, found.log_id or bytes(LOG_ID_BYTES)
    return LogHead(tenant_id, found.head, found.now, number, log_id)
