"""What can be done with a batch before its tenant's log is locked."""

from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from app.log.rows import encode_item
from app.wire.items import Item


class Prepared(Struct, frozen=True):
    """A batch, ready for the log.

    `keys` has one key for each item. `first` gives, for each key, the first item with it, which is the
    only one of them that may be stored; `rows` holds its row for COPY, but for its place.
    """

    items: Sequence[Item]
    keys: list[bytes]
    first: dict[bytes, int]
    rows: dict[bytes, bytes]


def event_key(unique_id: str) -> bytes:
    """Hash a unique_id to the 16 bytes by which the log knows it (BLAKE2b, RFC 7693)."""
    return blake2b(unique_id.encode(), digest_size=16).digest()


def prepare(items: Sequence[Item]) -> Prepared:
    """Hash the items' ids and write their rows."""
    keys = [event_key(item.unique_id) for item in items]
    first: dict[bytes, int] = {}
    rows: dict[bytes, bytes] = {}
    for index, (key, item) in enumerate(zip(keys, items, strict=True)):
        if key not in first:
            first[key] = index
            rows[key] = encode_item(item.stream, item.topic, key, item.occurred_at, item.state)
    return Prepared(items, keys, first, rows)


def merge(batches: Sequence[Prepared]) -> Prepared:
    """Put batches one behind the other: recorded as one, they fare as if they had come one by one."""
    if len(batches) == 1:
        return batches[0]
    items: list[Item] = []
    keys: list[bytes] = []
    first: dict[bytes, int] = {}
    rows: dict[bytes, bytes] = {}
    for batch in batches:
        start = len(items)
        items.extend(batch.items)
        keys.extend(batch.keys)
        for key, index in batch.first.items():
            if key not in first:
                first[key] = start + index
                rows[key] = batch.rows[key]
    return Prepared(items, keys, first, rows)
