"""Leaves as the documentation describes them, made from the rows of a log: a second implementation."""

import struct
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from postgres.connections import Connection

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def leaf_of(log_id: bytes, row: dict[str, Any]) -> bytes:
    """Write the leaf of a row of the log; what was erased has its commitment kept."""
    commitment = row["kept"]
    if row["state"] is not None:
        commitment = sha256(b"\x02" + (row["salt"] or bytes(16)) + row["state"]).digest()
    key, occurred_at = row["key"], row["occurred_at"]
    flags = (key is not None) + 2 * (occurred_at is not None)
    content = b"\x03" + struct.pack(">H", flags) + (key or bytes(16))
    content += struct.pack(">q", 0 if occurred_at is None else _micros(occurred_at))
    for text in (row["topic"].encode(), row["stream"].encode()):
        content += struct.pack(">H", len(text)) + text
    place = struct.pack(">QqI", row["position"], _micros(row["recorded_at"]), row["version"])
    return b"\x01" + log_id + place + sha256(content + commitment).digest()


def rows_of(connection: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Read a log's rows, in order."""
    cursor = connection.execute(
        "select position, recorded_at, version, key, stream, topic, occurred_at, salt, state,"
        "       commitment as kept"
        " from events left join erased using (tenant_id, position)"
        " where tenant_id = %s order by position",
        [tenant_id],
    )
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def expected_hashes(connection: Connection, tenant_id: int) -> list[bytes]:
    """Hash the leaf of each row of a log."""
    log_id = connection.execute(
        "select log_id from logs where tenant_id = %s order by number desc limit 1", [tenant_id]
    ).fetchone()
    assert log_id is not None
    leaves = [leaf_of(log_id[0], row) for row in rows_of(connection, tenant_id)]
    return [sha256(b"\x00" + leaf).digest() for leaf in leaves]


def recorded_hashes(connection: Connection, tenant_id: int) -> list[bytes]:
    """Read the leaf hashes that were recorded; they follow each other without a gap from position 1."""
    runs = connection.execute(
        "select first_position, hashes from leaf_runs where tenant_id = %s order by first_position",
        [tenant_id],
    ).fetchall()
    found: list[bytes] = []
    for first_position, hashes in runs:
        assert first_position == len(found) + 1
        found += [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    return found
