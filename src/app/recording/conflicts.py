"""The register of conflicts: what was refused because its unique_id stands for something else."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from app.database.connections import Connection
from app.log.statements import SQL
from app.wire.items import Item
from domain.events import WIRE_TYPES
from domain.json_values import canonical


def register(
    connection: Connection,
    tenant_id: int,
    refused: Sequence[tuple[Item, bytes, int]],
    received_at: datetime,
) -> None:
    """Keep what was refused, with its key and the position of what stands; the same content once.

    To be called within `app.log.append.locked_log`.
    """
    if not refused:
        return
    rows: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for item, key, position in refused:
        event = WIRE_TYPES[item.topic]
        content = event.encode() + b"\n" + canonical(item.state)
        content_hash = blake2b(content, digest_size=16).digest()
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
