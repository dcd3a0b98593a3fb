"""The transaction that records a batch."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from app.database.connections import Connection, Pool
from app.log.append import copy, head, locked_log
from app.log.heads import StreamHeads
from app.log.statements import SQL
from app.recording.conflicts import register
from app.recording.prepare import Prepared, prepare
from app.recording.receipt import Outcome, Receipt, ReceiptItem
from app.wire.items import Item
from domain.events import WIRE_TYPES
from domain.json_values import same_value


class KeyCollisionError(Exception):
    """Two unique_ids have one hash: nothing was recorded, and this must be looked at by people."""


class _Standing(NamedTuple):
    """The event that stands for a key: recorded before, or by this batch. A large state is None."""

    position: int
    topic: str
    state: bytes | None


def record(pool: Pool, tenant_id: int, items: Sequence[Item]) -> Receipt:
    """Record a batch on its own, durably, all of it or nothing. Raises as `commit` does."""
    return commit(pool, tenant_id, prepare(items), StreamHeads())


def commit(pool: Pool, tenant_id: int, batch: Prepared, heads: StreamHeads) -> Receipt:
    """Record a batch durably, all of it or nothing, with the heads that are known of its log.

    Raises one of `app.database.connections.UNAVAILABLE` if the store did not confirm it: then it may
    be recorded or not, and sending it again is safe either way. Raises KeyCollisionError, and
    app.log.append.UnknownTenantError.
    """
    with pool.connection() as connection:
        if not batch.items:
            return Receipt.of([], head(connection, tenant_id))
        if heads.expects_new:
            try:
                return _commit(connection, tenant_id, batch, heads, known_keys=False)
            except (psycopg.errors.UniqueViolation, psycopg.errors.InternalError_):
                # Something in it is recorded already (Citus reports that as an internal error): look first.
                heads.forget()
        return _commit(connection, tenant_id, batch, heads, known_keys=True)


def _commit(
    connection: Connection,
    tenant_id: int,
    batch: Prepared,
    heads: StreamHeads,
    *,
    known_keys: bool,
) -> Receipt:
    """Record a batch; without `known_keys` on the assumption that nothing in it is recorded yet.

    If it is, PostgreSQL refuses the keys (UniqueViolation), and nothing was done.
    """
    items, keys, first = batch.items, batch.keys, batch.first
    with locked_log(connection, tenant_id) as last:
        standing = _recorded(connection, tenant_id, list(first)) if known_keys else {}
        new = [key for key in first if key not in standing]
        now = datetime.now(UTC)
        versions = heads.next_versions(
            connection, tenant_id, last, [items[first[key]].stream for key in new]
        )
        if new:
            copy(connection, tenant_id, last, versions, (batch.rows[key] for key in new), now)
        if len(new) == len(items):
            receipt_items = [
                ReceiptItem(item.unique_id, "stored", position)
                for position, item in enumerate(items, start=last + 1)
            ]
        else:
            for position, key in enumerate(new, start=last + 1):
                item = items[first[key]]
                standing[key] = _Standing(position, item.topic, item.state)
            receipt_items = _judge(
                batch,
                standing,
                frozenset(new),
                lambda position: _state_at(connection, tenant_id, position),
            )
            refused = [
                (items[index], keys[index], answer.position)
                for index, answer in enumerate(receipt_items)
                if answer.outcome == "conflict"
            ]
            register(connection, tenant_id, refused, now)
    heads.advance(last + len(new), expects_new=len(new) == len(items))
    return Receipt.of(receipt_items, last + len(new))


def _recorded(
    connection: Connection, tenant_id: int, keys: Sequence[bytes]
) -> dict[bytes, _Standing]:
    found = connection.execute(
        SQL.recorded_by_key.sql, {"tenant_id": tenant_id, "keys": b"".join(keys)}, binary=True
    )
    return {key: _Standing(position, topic, state) for key, position, topic, state in found}


def _state_at(connection: Connection, tenant_id: int, position: int) -> bytes:
    parameters = {"tenant_id": tenant_id, "position": position}
    row = connection.execute(SQL.state_at.sql, parameters, binary=True).fetchone()
    if row is None:
        raise LookupError(f"position {position} is missing in the log")
    state: bytes = row[0]
    return state


def _judge(
    batch: Prepared,
    standing: dict[bytes, _Standing],
    new: frozenset[bytes],
    state_at: Callable[[int], bytes],
) -> list[ReceiptItem]:
    """Say of each item what became of it. `state_at` reads a large state by its position."""
    answers = []
    for index, (item, key) in enumerate(zip(batch.items, batch.keys, strict=True)):
        is_stored = key in new and batch.first[key] == index
        position, topic, state = standing[key]
        if is_stored:
            outcome: Outcome = "stored"
        else:
            outcome = _compare(
                item, position, topic, state_at(position) if state is None else state
            )
        answers.append(ReceiptItem(item.unique_id, outcome, position))
    return answers


class _Identified(msgspec.Struct):
    # A text first: of a repeated member the last one counts, and those before may be any value.
    unique_id: msgspec.Raw


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def _unique_id(state: bytes) -> Any:
    return msgspec.json.decode(_IDENTIFIED.decode(state).unique_id)


def _compare(item: Item, position: int, topic: str, state: bytes) -> Outcome:
    """Compare an item with the event that stands for its key. Raises KeyCollisionError."""
    same_type = WIRE_TYPES[item.topic] == WIRE_TYPES[topic]
    if same_type and item.state == state:
        return "duplicate"
    if _unique_id(state) != item.unique_id:
        raise KeyCollisionError(f"{item.unique_id!r} and the event at {position}")
    return "duplicate" if same_type and same_value(item.state, state) else "conflict"
