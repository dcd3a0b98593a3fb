"""Leaves: what a log's tree holds of each event, 69 bytes that commit to all of it and tell nothing of it.

The hashes are SHA-256, integers big-endian, times signed microseconds since 2000-01-01T00:00:00Z. A leaf's
hash is that of RFC 6962, section 2.1. See docs/evidence.md for the layout.
"""

import struct
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

LOG_ID_BYTES = 16
SALT_BYTES = 16
HASH_BYTES = 32
LEAF_BYTES = 69

NO_SALT = bytes(SALT_BYTES)
"""The salt of an event that can't be erased."""

_HAS_KEY, _HAS_TIME = 1, 2
_NO_KEY = bytes(16)
_CONTENT = struct.Struct(">cH16sq")
_LENGTH = struct.Struct(">H")

# The place of an event is its position, recorded_at and version.
_LEAF = struct.Struct(">c16sQqI32s")
_HASHED_LEAF = struct.Struct(">18sQqI32s")

_LEAF_PREFIX = b"\x01"
_HASHED_LEAF_PREFIX = b"\x00" + _LEAF_PREFIX


class CommittedEvent(NamedTuple):
    """An event with all that its leaf commits to.

    Of one that was erased `state` is None, and `commitment` what committed to it; of any other that is None.
    """

    position: int
    recorded_at: datetime
    version: int
    key: bytes | None
    stream: str
    topic: str
    occurred_at: datetime | None
    salt: bytes
    state: bytes | None
    commitment: bytes | None

    @property
    def committed(self) -> bytes:
        """Return what commits to the state; zeros where that is gone and nothing is kept of it."""
        if self.state is None:
            return self.commitment or bytes(HASH_BYTES)
        return commitment(self.salt, self.state)


def commitment(salt: bytes, state: bytes) -> bytes:
    """Return what commits to an event's state; `salt` has 16 bytes, or none for zeros."""
    return sha256(b"\x02" + (salt or NO_SALT) + state).digest()


def content(
    stream: str, topic: str, key: bytes | None, occurred_at: int | None, committed: bytes
) -> bytes:
    """Return what commits to an event but for its place in the log.

    `key` has 16 bytes, `committed` is the `commitment` to its state.
    """
    flags = (_HAS_KEY if key is not None else 0) | (_HAS_TIME if occurred_at is not None else 0)
    name = stream.encode()
    return sha256(
        b"".join(
            (
                _CONTENT.pack(b"\x03", flags, key or _NO_KEY, occurred_at or 0),
                _named(topic),
                _LENGTH.pack(len(name)),
                name,
                committed,
            )
        )
    ).digest()


def leaf(log_id: bytes, position: int, recorded_at: int, version: int, content: bytes) -> bytes:
    """Return the leaf of the event at a position, 69 bytes."""
    return _LEAF.pack(_LEAF_PREFIX, log_id, position, recorded_at, version, content)


def leaf_hashes(
    log_id: bytes, places: Iterable[tuple[int, int, int]], contents: Iterable[bytes]
) -> bytes:
    """Return the hashes of leaves, one after the other; of each the position, recorded_at and version."""
    prefix, pack, hashed = _HASHED_LEAF_PREFIX + log_id, _HASHED_LEAF.pack, sha256
    return b"".join(
        [
            hashed(pack(prefix, position, recorded_at, version, content)).digest()
            for (position, recorded_at, version), content in zip(places, contents, strict=True)
        ]
    )


@lru_cache(maxsize=64)
def _named(topic: str) -> bytes:
    name = topic.encode()
    return _LENGTH.pack(len(name)) + name
