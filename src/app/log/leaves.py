"""The leaf hashes of a log: reading those that its appends left, and adding those that are missing.

They are missing for what was recorded by a version that knew of none, and in a log that was begun after a
restore.
"""

from datetime import datetime
from typing import NamedTuple

from app.log.append import add_leaf_run, head
from domain.evidence.leaves import HASH_BYTES, CommittedEvent, content, leaf_hashes
from postgres.binary import micros
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading and adding leaf hashes."""

    current_log: Statement
    leaf_hashes: Statement
    next_run: Statement
    events_for_leaves: Statement
    recorded_at: Statement


SQL = Sql(__file__)

_EVENTS_AT_ONCE = 5_000


class Log(NamedTuple):
    """One of a tenant's logs: its number among them, and its id of 16 bytes."""

    tenant_id: int
    number: int
    log_id: bytes


class _Identity(NamedTuple):
    number: int
    log_id: bytes


def current_log(connection: Connection, tenant_id: int) -> Log | None:
    """Return the log of a tenant that goes on; None for one that has none yet."""
    found = fetch_one(connection, SQL.current_log, {"tenant_id": tenant_id}, _Identity)
    return None if found is None else Log(tenant_id, *found)


class _Run(NamedTuple):
    first_position: int
    hashes: bytes


def read_leaf_hashes(connection: Connection, log: Log, first: int, last: int) -> bytes:
    """Return the hashes of the leaves at these positions, both included, one after the other.

    They end where one is missing.
    """
    parameters = {
        "tenant_id": log.tenant_id,
        "log_number": log.number,
        "first": first,
        "last": last,
    }
    runs = fetch_all(connection, SQL.leaf_hashes, parameters, _Run, binary=True)
    found, position = [], first
    for run in runs:
        if run.first_position != position:
            break
        found.append(run.hashes)
        position += len(run.hashes) // HASH_BYTES
    return b"".join(found)


def add_missing(connection: Connection, log: Log, first: int) -> int:
    """Add leaf hashes from a position on, up to where there are some; gives how many were added.

    For who holds the claim on sealing the log, in its transaction; some thousands at once.
    """
    identity = {"tenant_id": log.tenant_id, "log_number": log.number}
    # First the head: what is appended after this look has its hashes.
    end = head(connection, log.tenant_id)
    following = fetch_one(connection, SQL.next_run, {**identity, "after": first - 1}, int)
    if following is not None:
        end = min(end, following - 1)
    last = min(end, first + _EVENTS_AT_ONCE - 1)
    if last < first:
        return 0
    hashes = hash_events(connection, log, first, last)
    if not hashes:
        return 0
    add_leaf_run(connection, log.tenant_id, log.number, first, hashes)
    return len(hashes) // HASH_BYTES


def hash_events(connection: Connection, log: Log, first: int, last: int) -> bytes:
    """Return the leaf hashes that the events at these positions have, made from their rows.

    They end where one is missing.
    """
    parameters = {"tenant_id": log.tenant_id, "first": first, "last": last}
    found = fetch_all(connection, SQL.events_for_leaves, parameters, CommittedEvent, binary=True)
    events = [event for at, event in enumerate(found, start=first) if event.position == at]
    return leaf_hashes(
        log.log_id,
        [(event.position, micros(event.recorded_at), event.version) for event in events],
        [content_of(event) for event in events],
    )


def recorded_at(connection: Connection, log: Log, position: int) -> datetime | None:
    """Return when the event at a position was recorded, None if there is none."""
    parameters = {"tenant_id": log.tenant_id, "position": position}
    return fetch_one(connection, SQL.recorded_at, parameters, datetime)


def content_of(event: CommittedEvent) -> bytes:
    """Return what commits to an event but for its place in the log."""
    occurred_at = None if event.occurred_at is None else micros(event.occurred_at)
    return content(event.stream, event.topic, event.key, occurred_at, event.committed)
