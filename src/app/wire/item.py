"""What a valid item of a batch comes down to for the log."""

from datetime import datetime

from msgspec import Struct


class IgnoredItemError(Exception):
    """The item is as it should be, and tells nothing that is recorded."""


class Item(Struct, frozen=True, gc=False):
    """One valid item: the domain event's topic, its stream and time (UTC), and `data` as it was sent.

    `state` is a copy of its slice of the body, so that nothing keeps the body alive.
    """

    unique_id: str
    topic: str
    stream: str
    occurred_at: datetime
    state: bytes
