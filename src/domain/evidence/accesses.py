"""Leaves of the log of accesses: what its tree holds of each access, 69 bytes that tell nothing of it.

    description = 0x04 || u16 len || method || u16 len || path || u16 len || query || u16 len || last event id
    leaf        = 0x01 || log_id[16] || u64 number || i64 accessed_at || u32 key_id || SHA-256(description)

The hashes are SHA-256, integers big-endian, times signed microseconds since 2000-01-01T00:00:00Z, texts in
UTF-8. The leaf has the layout of an event's, with number, accessed_at, key_id and description where that has
position, recorded_at, version and content. What is hashed last tells them apart: a content begins with 0x03.
"""

import struct
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from domain.evidence import leaves

_LENGTH = struct.Struct(">H")


class Access(NamedTuple):
    """A request that was let in with the scope `audit`, as the log of accesses has it.

    `path`, `query` and `last_event_id` are as they were sent; each has at most 65,535 bytes.
    """

    number: int
    accessed_at: int
    key_id: int
    method: str
    path: str
    query: str
    last_event_id: str


def description(access: Access) -> bytes:
    """Return what is hashed of the question: what was asked for, and after what."""
    texts = (access.method, access.path, access.query, access.last_event_id)
    return b"\x04" + b"".join(map(_named, texts))


def leaf(log_id: bytes, access: Access) -> bytes:
    """Return the leaf of an access, 69 bytes."""
    hashed = sha256(description(access)).digest()
    return leaves.leaf(log_id, access.number, access.accessed_at, access.key_id, hashed)


def leaf_hashes(log_id: bytes, accesses: Iterable[Access]) -> bytes:
    """Return the hashes of the leaves of accesses, one after the other (RFC 6962, section 2.1)."""
    return b"".join(sha256(b"\x00" + leaf(log_id, access)).digest() for access in accesses)


def _named(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
