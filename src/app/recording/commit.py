"""The transaction that records a batch."""

from collections.abc import Sequence
from typing import TypeVar

import psycopg

from app.log.append import TenantClosedError, copy, locked_log, read_head
from app.log.heads import StreamHeads
from app.recording.conflicts import register
from app.recording.differences import Fingerprints, fingerprints
from app.recording.judge import Judged, judge
from app.recording.known_events import RecordedEvents
from app.recording.prepare import Prepared, prepare
from app.recording.receipt import Receipt, Recorded
from app.wire.items import Item
from postgres.connections import Connection, Pool

_Value = TypeVar("_Value")


def record(pool: Pool, tenant_id: int, items: Sequence[Item]) -> Receipt:
    """Record a batch on its own, durably, all of it or nothing. Raises as `commit` does."""
    return commit(pool, tenant_id, prepare(items), StreamHeads()).receipt()


def commit(
    pool: Pool,
    tenant_id: int,
    batch: Prepared,
    heads: StreamHeads,
    hashed_by: Fingerprints = fingerprints,
) -> Recorded:
    """Record a batch durably, all of it or nothing, with the heads that are known of its log.

    What is sent again but spelled otherwise is compared by what `hashed_by` makes of it.

    Which keys are recorded is looked up without the lock, or not at all where none is expected to be:
    PostgreSQL refuses a key that is (UniqueViolation), nothing is done, and what has come up since is
    looked at. What is recorded stays as it is, so all that is compared with it is compared outside the lock.

    Raises one of `postgres.errors.UNAVAILABLE` if the store did not confirm it: then it may
    be recorded or not, and sending it again is safe either way. Raises
    app.recording.judge.KeyCollisionError, and app.log.append.UnknownTenantError or TenantClosedError.
    """
    with pool.connection() as connection:
        known = RecordedEvents(connection, tenant_id)
        looked_up = not heads.expects_new
        if looked_up:
            known.look_up(batch.keys)
        while True:
            judged = judge(batch, known, hashed_by)
            try:
                return _record(connection, tenant_id, batch, judged, heads)
            except psycopg.errors.ObjectNotInPrerequisiteState:
                raise TenantClosedError(tenant_id) from None
            except (psycopg.errors.UniqueViolation, psycopg.errors.InternalError_) as error:
                # Citus reports whatever ends a COPY on a node as an internal error: a key that is taken, too.
                if error.diag.message_primary == "the tenant is closed":
                    raise TenantClosedError(tenant_id) from None
                heads.forget()
                before = len(known.by_key)
                known.look_up(batch.keys)
                if looked_up and len(known.by_key) == before:
                    raise
                looked_up = True


def _record(
    connection: Connection, tenant_id: int, batch: Prepared, judged: Judged, heads: StreamHeads
) -> Recorded:
    """Append what is new and register what is refused, on the assumption that no more is recorded by now.

    If more is, PostgreSQL refuses the keys (UniqueViolation), and nothing was done.
    """
    new = judged.new
    if not new and not judged.refused:
        log = read_head(connection, tenant_id)
        columns = (batch.unique_ids, judged.outcomes, judged.positions(()))
        return Recorded(*columns, log.log_id, log.position, batch.salts, b"")
    hashes = b""
    with locked_log(connection, tenant_id) as log:
        last = log.position
        streams = _chosen(batch.streams, new)
        versions = heads.next_versions(connection, tenant_id, last, streams)
        if new:
            rows, contents = _chosen(batch.rows, new), _chosen(batch.contents, new)
            hashes = copy(connection, log, versions, rows, contents)
        positions = judged.positions(range(last + 1, last + len(new) + 1))
        register(connection, tenant_id, judged.refused, positions)
    last += len(new)
    heads.advance(last, expects_new=len(new) == len(batch.keys))
    columns = (batch.unique_ids, judged.outcomes, positions)
    return Recorded(*columns, log.log_id, last, batch.salts, hashes)


def _chosen(column: list[_Value], indexes: Sequence[int]) -> list[_Value]:
    return column if len(indexes) == len(column) else [column[index] for index in indexes]
