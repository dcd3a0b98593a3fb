"""Rows of the log in PostgreSQL's binary format for COPY.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": a header, then for each row the number
of fields and each field behind its length, -1 for null; in the end -1. Times are microseconds since 2000.
The columns are those of the statement `copy_events`, in its order.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from domain.evidence.leaves import SALT_BYTES
from postgres.binary import HEADER, TRAILER

_FIELDS = 10

# tenant_id, position, version, recorded_at
_PLACE = struct.Struct(">hiiiqiiiq")
# key, and the length of the stream
_KEY = struct.Struct(">i16si")
# occurred_at, the salt that is there or not, and the length of the state
_UNSALTED = struct.Struct(">iqii")
_SALTED = struct.Struct(">iqi16si")
_SALT_LENGTH = struct.Struct(">iqi")
_LENGTH = struct.Struct(">i")
_TIME = struct.Struct(">iq")
_NULL = _LENGTH.pack(-1)
_EMPTY = _LENGTH.pack(0)


def encode_item(
    stream: str, topic: str, key: bytes, occurred_at: int, salt: bytes, state: bytes
) -> bytes:
    """Write the part of an item's row that doesn't depend on its place in the log.

    `key` has 16 bytes, `salt` 16 or none; `occurred_at` is in microseconds since 2000.
    """
    name = stream.encode()
    size = len(state)
    return b"".join(
        (
            _KEY.pack(16, key, len(name)),
            name,
            _text(topic),
            _SALTED.pack(8, occurred_at, SALT_BYTES, salt, size)
            if salt
            else _UNSALTED.pack(8, occurred_at, 0, size),
            state,
        )
    )


def item_state(row: bytes) -> bytes:
    """Return the state of an item's row as `encode_item` wrote it."""
    _, _, name_bytes = _KEY.unpack_from(row)
    topic_at = _KEY.size + name_bytes
    (topic_bytes,) = _LENGTH.unpack_from(row, topic_at)
    time_at = topic_at + _LENGTH.size + topic_bytes
    *_, salt_bytes = _SALT_LENGTH.unpack_from(row, time_at)
    return row[time_at + _UNSALTED.size + salt_bytes :]


def encode_bare(stream: str, topic: str, state: bytes, occurred_at: int | None = None) -> bytes:
    """Write the same for an event that came without a unique_id, and maybe without a time."""
    time = _NULL if occurred_at is None else _TIME.pack(8, occurred_at)
    return b"".join(
        (_NULL, _text(stream), _text(topic), time, _EMPTY, _LENGTH.pack(len(state)), state),
    )


def copy_data(
    tenant_id: int,
    head: int,
    versions: Sequence[int],
    encoded: Sequence[bytes],
    recorded_at: int,
) -> bytes:
    """Give encoded events their places after `head`, in order, and put together what COPY takes.

    `recorded_at` is in microseconds since 2000.
    """
    rows = max(len(encoded), 1)
    return b"".join(copy_pieces(tenant_id, head, versions, encoded, recorded_at, piece=rows))


def copy_pieces(
    tenant_id: int,
    head: int,
    versions: Sequence[int],
    encoded: Sequence[bytes],
    recorded_at: int,
    *,
    piece: int,
) -> Iterator[bytes]:
    """Yield the same in pieces of so many rows, each of which COPY takes alone."""
    last = max(len(encoded) - piece, 0)
    for start in range(0, max(len(encoded), 1), piece):
        of = slice(start, start + piece)
        rows = [] if start else [HEADER]
        columns = zip(versions[of], encoded[of], strict=True)
        for position, (version, rest) in enumerate(columns, head + start + 1):
            rows.append(_PLACE.pack(_FIELDS, 4, tenant_id, 8, position, 4, version, 8, recorded_at))
            rows.append(rest)
        if start >= last:
            rows.append(TRAILER)
        yield b"".join(rows)


@lru_cache(maxsize=64)
def _text(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
