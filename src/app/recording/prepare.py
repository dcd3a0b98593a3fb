"""What can be done with a batch before its tenant's log is locked."""

import os
from collections.abc import Sequence

from msgspec import Struct

from app.log.rows import encode_item, item_state
from app.wire.items import Item
from domain.evidence.leaves import SALT_BYTES, commitment, content
from domain.ids import event_key
from domain.item_types import PERSONAL_TOPICS
from postgres.binary import micros


class Prepared(Struct, frozen=True):
    """A batch, ready for the log: in each column one value for each item.

    `keys` are what the log knows unique_ids by, `rows` are for COPY, but for their places in the log,
    `contents` are what commits to them, and `salts` are 16 random bytes for what can be erased, else none.
    """

    unique_ids: list[str]
    topics: list[str]
    streams: list[str]
    keys: list[bytes]
    rows: list[bytes]
    contents: list[bytes]
    salts: list[bytes]

    def state(self, index: int) -> bytes:
        """Return an item's `data` as it was sent."""
        return item_state(self.rows[index])

    @property
    def size_bytes(self) -> int:
        """How long the rows are together."""
        return sum(map(len, self.rows))


def prepare(items: Sequence[Item]) -> Prepared:
    """Hash the items and their ids, and write their rows."""
    keys = [event_key(item.unique_id) for item in items]
    rows, contents, salts = [], [], []
    # Of each stream one text: a batch that was prepared in another process comes with it once.
    streams: dict[str, str] = {}
    for key, item in zip(keys, items, strict=True):
        stream, topic, state = item.stream, item.topic, item.state
        occurred_at = micros(item.occurred_at)
        salt = os.urandom(SALT_BYTES) if topic in PERSONAL_TOPICS else b""
        rows.append(encode_item(stream, topic, key, occurred_at, salt, state))
        contents.append(content(stream, topic, key, occurred_at, commitment(salt, state)))
        salts.append(salt)
    return Prepared(
        [item.unique_id for item in items],
        [item.topic for item in items],
        [streams.setdefault(item.stream, item.stream) for item in items],
        keys,
        rows,
        contents,
        salts,
    )


def merge(batches: Sequence[Prepared]) -> Prepared:
    """Put batches one after the other: recorded as one, they fare as if they had come one by one."""
    if len(batches) == 1:
        return batches[0]
    return Prepared(
        [unique_id for batch in batches for unique_id in batch.unique_ids],
        [topic for batch in batches for topic in batch.topics],
        [stream for batch in batches for stream in batch.streams],
        [key for batch in batches for key in batch.keys],
        [row for batch in batches for row in batch.rows],
        [content for batch in batches for content in batch.contents],
        [salt for batch in batches for salt in batch.salts],
    )
