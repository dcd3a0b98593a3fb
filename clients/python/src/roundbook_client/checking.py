"""What is to be sent is judged by the server's rules first, and put into records of a spool."""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from roundbook_client.errors import InvalidItems
from roundbook_client.items import Sendable, text_of
from roundbook_client.rules import (
    ISO_4217,
    MAX_EVENT_BYTES,
    MAX_ITEMS,
    Fault,
    InvalidItemsError,
    NotJsonError,
    decode_batch,
)
from roundbook_client.spool.records import Record

BODY = b'{"items":[%b]}'
"""A request's body, around the texts of its items."""

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")

MAX_BODY_BYTES = 16 << 20
"""The most that a service takes at once, unless its operator says otherwise."""


class Checker:
    """Judges items of a tenant that may send `currencies` beyond those of ISO 4217."""

    def __init__(
        self, currencies: Iterable[str] = (), max_event_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        """Allow `data` of so many bytes in an item."""
        self._currencies: Container[str] = ISO_4217 | set(currencies)
        self._max_event_bytes = max_event_bytes

    def records(self, items: Sequence[Sendable]) -> list[Record]:
        """Write items into records of which each fits into a request. Raises InvalidItems, TypeError."""
        try:
            texts = [text_of(item) for item in items]
        except (ValueError, RecursionError) as error:
            raise InvalidItems([Fault("/items", "not_json", str(error))]) from None
        records: list[Record] = []
        for start in range(0, len(texts), MAX_ITEMS):
            some = texts[start : start + MAX_ITEMS]
            joined = b",".join(some)
            self._check(joined, len(some), start)
            if b"\n" in joined or b"\r" in joined:
                # In JSON they stand between tokens alone. An item is part of a line, should it be refused.
                some = [text.translate(_ONE_LINE) for text in some]
                joined = b",".join(some)
            if len(joined) + len(BODY) <= MAX_BODY_BYTES:
                records.append(Record(len(some), joined))
            else:
                records += _parts(some)
        return records

    def _check(self, joined: bytes, items: int, start: int) -> None:
        try:
            valid = decode_batch(
                BODY % joined,
                currencies=self._currencies,
                now=datetime.now(UTC),
                max_event_bytes=self._max_event_bytes,
            )
        except InvalidItemsError as error:
            raise InvalidItems([_moved(fault, start) for fault in error.faults]) from None
        except NotJsonError as error:
            raise InvalidItems([Fault("/items", "not_json", str(error))]) from None
        if len(valid) != items:
            raise InvalidItems([Fault("/items", "not_json", "an item is not one JSON value")])


def _moved(fault: Fault, start: int) -> Fault:
    """Name an item by its index among all that were given."""
    _, _, at, *rest = fault.pointer.split("/")
    return Fault("/".join(["", "items", str(int(at) + start), *rest]), fault.code, fault.detail)


def _parts(texts: list[bytes]) -> Iterator[Record]:
    some: list[bytes] = []
    size_bytes = len(BODY)
    for text in texts:
        if some and size_bytes + len(text) + 1 > MAX_BODY_BYTES:
            yield Record(len(some), b",".join(some))
            some, size_bytes = [], len(BODY)
        some.append(text)
        size_bytes += len(text) + 1
    yield Record(len(some), b",".join(some))
