"""Events with all that their leaves commit to, as rows of bounded size: what a proof is given for."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from app.log.leaves import Log, content_of
from domain.evidence.leaves import HASH_BYTES, CommittedEvent, leaf
from postgres.binary import micros
from postgres.connections import Connection, Pool
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading events and leaf hashes."""

    committed_events: Statement
    committed_events_of: Statement
    places_of: Statement
    erasure_after: Statement
    leaf_hashes_at: Statement
    leaf_rows: Statement


SQL = Sql(__file__)

_EVENTS_AT_ONCE = 2_000
_BYTES_AT_ONCE = 4 * 1024 * 1024
_PLACES_AT_ONCE = 5_000


class Place(NamedTuple):
    """Where an event of a stream stands in the log."""

    position: int
    version: int


def read_leaves(pool: Pool, log: Log, first: int, last: int) -> list[bytes]:
    """Return the leaves of the events at these positions, both included, made from their rows.

    Where rows are missing there are fewer.
    """
    events = chain.from_iterable(committed_events(pool, log.tenant_id, first, last))
    return [leaf_of(log, event) for event in events]


def read_committed(connection: Connection, log: Log, position: int) -> CommittedEvent | None:
    """Return the event at a position; None where there is none."""
    events = _read(connection, log.tenant_id, position - 1, position)
    return events[0] if events else None


def leaf_of(log: Log, event: CommittedEvent) -> bytes:
    """Return the leaf of an event."""
    recorded_at = micros(event.recorded_at)
    return leaf(log.log_id, event.position, recorded_at, event.version, content_of(event))


def committed_events(
    pool: Pool, tenant_id: int, first: int, last: int
) -> Iterator[list[CommittedEvent]]:
    """Yield the events at these positions, both included, some at once, by short queries."""
    after = first - 1
    while after < last:
        with pool.connection() as connection:
            events = _read(connection, tenant_id, after, last)
        if not events:
            return
        yield events
        after = events[-1].position


def committed_events_of(
    pool: Pool, tenant_id: int, stream: str, until: int
) -> Iterator[list[CommittedEvent]]:
    """Yield the events of a stream up to a position of the log, some at once, by short queries."""
    after = 0
    while True:
        parameters = {
            "tenant_id": tenant_id,
            "stream": stream,
            "after_version": after,
            "until": until,
            "limit": _EVENTS_AT_ONCE,
            "limit_bytes": _BYTES_AT_ONCE,
        }
        with pool.connection() as connection:
            events = fetch_all(
                connection, SQL.committed_events_of, parameters, CommittedEvent, binary=True
            )
        if not events:
            return
        yield events
        after = events[-1].version


def places_of(pool: Pool, tenant_id: int, stream: str, until: int) -> Iterator[list[Place]]:
    """Yield where the events of a stream stand, up to a position of the log, some at once."""
    after = 0
    while True:
        parameters = {
            "tenant_id": tenant_id,
            "stream": stream,
            "after_version": after,
            "until": until,
            "limit": _PLACES_AT_ONCE,
        }
        with pool.connection() as connection:
            places = fetch_all(connection, SQL.places_of, parameters, Place, binary=True)
        if not places:
            return
        yield places
        after = places[-1].version


def is_erased_after(
    connection: Connection, tenant_id: int, stream: str | None, position: int
) -> bool:
    """Tell whether something was erased by a record that stands after a position of the log.

    Of a stream, or of any.
    """
    parameters = {"tenant_id": tenant_id, "stream": stream, "after": position}
    return fetch_one(connection, SQL.erasure_after, parameters, int) is not None


def read_leaf_hashes_at(connection: Connection, log: Log, positions: Sequence[int]) -> list[bytes]:
    """Return the leaf hash at each of these positions, empty where it is missing."""
    parameters = {
        "tenant_id": log.tenant_id,
        "log_number": log.number,
        "positions": list(positions),
    }
    return fetch_all(connection, SQL.leaf_hashes_at, parameters, bytes, binary=True)


class _Row(NamedTuple):
    nth: int
    first_position: int
    hashes: bytes


def read_leaf_rows(
    connection: Connection, log: Log, stretches: Sequence[tuple[int, int]]
) -> list[bytes]:
    """Return the leaf hashes of each stretch of positions, both included, up to where one is missing."""
    parameters = {
        "tenant_id": log.tenant_id,
        "log_number": log.number,
        "firsts": [first for first, _ in stretches],
        "lasts": [last for _, last in stretches],
    }
    found = [b""] * len(stretches)
    for row in fetch_all(connection, SQL.leaf_rows, parameters, _Row, binary=True):
        nth = row.nth - 1
        if row.first_position == stretches[nth][0] + len(found[nth]) // HASH_BYTES:
            found[nth] += row.hashes
    return found


def _read(connection: Connection, tenant_id: int, after: int, until: int) -> list[CommittedEvent]:
    parameters = {
        "tenant_id": tenant_id,
        "after": after,
        "until": until,
        "limit": _EVENTS_AT_ONCE,
        "limit_bytes": _BYTES_AT_ONCE,
    }
    return fetch_all(connection, SQL.committed_events, parameters, CommittedEvent, binary=True)
