"""Recording a batch: what is new goes into the log, what repeats is recognised, what contradicts is kept.

One transaction for one tenant. A batch can be sent again as it is, whatever became of it before.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import msgspec

from app.database.connections import Connection, Pool
from app.log.append import NewEvent, copy, encode, head, locked_log, next_versions
from app.log.statements import SQL
from app.wire.items import Item
from domain.events import WIRE_TYPES
from domain.json_values import canonical, same_value

Outcome = Literal["stored", "duplicate", "conflict"]


class ReceiptItem(msgspec.Struct, frozen=True):
    """What became of one item. `position` is that of the event that stands for its unique_id."""

    unique_id: str
    outcome: Outcome
    position: int


class Receipt(msgspec.Struct, frozen=True):
    """What became of a batch, its items in the order sent.

    Once a read model has reached `log_position`, the whole batch is visible in it.
    """

    stored: int
    duplicate: int
    conflict: int
    log_position: int
    items: list[ReceiptItem]


class KeyCollisionError(Exception):
    """Two unique_ids have one hash: nothing was recorded, and this must be looked at by people."""


class _Standing(NamedTuple):
    """The event that stands for a key: recorded before, or by this batch."""

    position: int
    topic: str
    state: bytes


def event_key(unique_id: str) -> bytes:
    """Hash a unique_id to the 16 bytes by which the log knows it (BLAKE2b, RFC 7693)."""
    return blake2b(unique_id.encode(), digest_size=16).digest()


def record(pool: Pool, tenant_id: int, items: Sequence[Item]) -> Receipt:
    """Record a batch durably, all of it or nothing.

    Raises one of `app.database.connections.UNAVAILABLE` if the store did not confirm it: then it may
    be recorded or not, and sending it again is safe either way.
    """
    keys = [event_key(item.unique_id) for item in items]
    first_with_key: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        first_with_key.setdefault(key, index)
    encoded = {
        key: encode(NewEvent(item.stream, item.topic, key, item.occurred_at, item.state))
        for key, item in ((key, items[index]) for key, index in first_with_key.items())
    }
    with pool.connection() as connection:
        if not items:
            return Receipt(0, 0, 0, head(connection, tenant_id), [])
        with locked_log(connection, tenant_id) as last:
            standing = _recorded(connection, tenant_id, list(first_with_key))
            new = [key for key in first_with_key if key not in standing]
            stored = {first_with_key[key] for key in new}
            now = datetime.now(UTC)
            if new:
                streams = [items[first_with_key[key]].stream for key in new]
                versions = next_versions(connection, tenant_id, streams)
                copy(connection, tenant_id, last, versions, (encoded[key] for key in new), now)
            for position, key in enumerate(new, start=last + 1):
                item = items[first_with_key[key]]
                standing[key] = _Standing(position, item.topic, item.state)
            outcomes = [
                "stored" if index in stored else _judge(item, standing[keys[index]])
                for index, item in enumerate(items)
            ]
            _register_conflicts(
                connection,
                tenant_id,
                [
                    (items[index], keys[index], standing[keys[index]].position)
                    for index, outcome in enumerate(outcomes)
                    if outcome == "conflict"
                ],
                now,
            )
    return Receipt(
        stored=outcomes.count("stored"),
        duplicate=outcomes.count("duplicate"),
        conflict=outcomes.count("conflict"),
        log_position=last + len(new),
        items=[
            ReceiptItem(item.unique_id, outcome, standing[key].position)
            for item, key, outcome in zip(items, keys, outcomes, strict=True)
        ],
    )


def _recorded(
    connection: Connection, tenant_id: int, keys: Sequence[bytes]
) -> dict[bytes, _Standing]:
    found = connection.execute(
        SQL.recorded_by_key.sql, {"tenant_id": tenant_id, "keys": keys}, binary=True
    )
    return {key: _Standing(position, topic, state) for key, position, topic, state in found}


class _Identified(msgspec.Struct):
    unique_id: Any


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def _judge(item: Item, standing: _Standing) -> Outcome:
    same_type = WIRE_TYPES[item.topic] == WIRE_TYPES[standing.topic]
    if same_type and item.state == standing.state:
        return "duplicate"
    if _IDENTIFIED.decode(standing.state).unique_id != item.unique_id:
        raise KeyCollisionError(f"{item.unique_id!r} and the event at {standing.position}")
    return "duplicate" if same_type and same_value(item.state, standing.state) else "conflict"


def _register_conflicts(
    connection: Connection,
    tenant_id: int,
    refused: Sequence[tuple[Item, bytes, int]],
    received_at: datetime,
) -> None:
    """Keep what was refused, the same content once. To be called within `locked_log`."""
    if not refused:
        return
    rows: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for item, key, position in refused:
        event = WIRE_TYPES[item.topic]
        content_hash = blake2b(
            event.encode() + b"\n" + canonical(item.state), digest_size=16
        ).digest()
        rows.setdefault(
            (key, content_hash),
            {
                "tenant_id": tenant_id,
                "position": position,
                "received_at": received_at,
                "key": key,
                "content_hash": content_hash,
                "unique_id": item.unique_id,
                "event": event,
                "data": item.state,
            },
        )
    keys, hashes = zip(*rows, strict=True)
    known = connection.execute(
        SQL.known_conflicts.sql,
        {"tenant_id": tenant_id, "keys": list(keys), "hashes": list(hashes)},
        binary=True,
    )
    for key_and_hash in known.fetchall():
        del rows[key_and_hash]
    found = connection.execute(SQL.last_conflict.sql, {"tenant_id": tenant_id}).fetchone()
    last = found[0] if found else 0
    with connection.cursor() as cursor:
        cursor.executemany(
            SQL.insert_conflict.sql,
            [row | {"number": number} for number, row in enumerate(rows.values(), start=last + 1)],
        )
