"""The register of conflicts: what was refused because something else is recorded under its unique_id."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from app.log.statements import SQL
from app.recording.prepare import Prepared
from domain.item_types import WIRE_TYPES
from postgres.connections import Connection
from postgres.rows import fetch_pairs


class Refused(NamedTuple):
    """The item `at` an index of a batch, which contradicts the event recorded under its unique_id."""

    at: int
    unique_id: str
    key: bytes
    event: str
    data: bytes
    content_hash: bytes


def refused(batch: Prepared, index: int, fingerprint: bytes) -> Refused:
    """Write down an item for the register, with the fingerprint of its `data`.

    The same content, however it is spelled, has the same hash.
    """
    event, data = WIRE_TYPES[batch.topics[index]], batch.state(index)
    content_hash = blake2b(event.encode() + b"\n" + fingerprint, digest_size=16).digest()
    return Refused(index, batch.unique_ids[index], batch.keys[index], event, data, content_hash)


def register(
    connection: Connection, tenant_id: int, items: Sequence[Refused], positions: Sequence[int]
) -> None:
    """Keep what was refused, with the position of the recorded event (one for each item of the batch).

    The same content is kept once. To be called within `app.log.append.locked_log`.
    """
    if not items:
        return
    rows: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for item in items:
        row = item._asdict() | {"tenant_id": tenant_id, "position": positions[item.at]}
        rows.setdefault((item.key, item.content_hash), row)
    keys, hashes = zip(*rows, strict=True)
    parameters = {"tenant_id": tenant_id, "keys": list(keys), "hashes": list(hashes)}
    known = fetch_pairs(connection, SQL.known_conflicts, parameters, "key", bytes, binary=True)
    for key_and_hash in known:
        del rows[key_and_hash]
    with connection.cursor() as cursor:
        cursor.executemany(SQL.register_conflict.sql, list(rows.values()))
