"""From the text of a batch to its valid items: the common way fast, everything else exactly.

Names that the rest of the service needs of this package stand here too.
"""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from app.wire.common_form import READERS
from app.wire.exact import read_item, read_parts
from app.wire.faults import Fault, Faults, InvalidItemsError, TooManyItemsError
from app.wire.item import Item
from app.wire.json_text import (
    MAX_DEPTH,
    check_depth,
    check_syntax,
    check_utf8,
    has_more_elements,
    not_json,
    too_deep,
)
from app.wire.rules import Limits

__all__ = [
    "MAX_EVENT_BYTES",
    "MAX_ITEMS",
    "Fault",
    "InvalidItemsError",
    "Item",
    "TooManyItemsError",
    "UncommonError",
    "decode_batch",
]

MAX_ITEMS = 10_000
MAX_EVENT_BYTES = 262_144
"""How long the `data` of one item is at most, unless the operator says otherwise."""
FUTURE_ALLOWED = timedelta(hours=24)

# In JSON without control characters in strings, which msgspec ensures, NUL is only ever written so.
_NUL = b"\\u0000"


class _CommonItem(Struct, gc=False):
    event: str
    data: Raw


class _CommonBatch(Struct, gc=False):
    items: list[_CommonItem]


class _AnyBatch(Struct, gc=False):
    """The `items` as a text, whatever they are; of a repeated member the last."""

    items: Raw = Raw()


_COMMON_BATCH = Decoder(_CommonBatch)
_ANY_BATCH = Decoder(_AnyBatch)
_ELEMENTS = Decoder(list[Raw])


class UncommonError(Exception):
    """The batch is not in the form that clients commonly send: reading it, or its faults, takes longer."""


def decode_batch(
    body: bytes,
    *,
    currencies: Container[str],
    now: datetime,
    max_event_bytes: int = MAX_EVENT_BYTES,
    common_only: bool = False,
) -> list[Item]:
    """Read a request's body: all its items, in the order sent, if every one is valid (contract, §1).

    `currencies` are all that the tenant may send, those of ISO 4217 too; `now` has a time zone.
    Raises, in this order of precedence, NotJsonError, TooManyItemsError, InvalidItemsError; but of a batch
    that is not in the common form UncommonError at once, where only that is to be read.
    """
    check_utf8(body)
    limits = Limits(currencies, now + FUTURE_ALLOWED, max_event_bytes)
    batch = _read_common_batch(body, common_only=common_only)
    if batch is None:
        if common_only:
            raise UncommonError
        return _decode_any_batch(body, limits)
    try:
        # Few bodies hold a backslash at all, and one byte is found at once.
        nul_possible = b"\\" in body and _NUL in body
        items = _decode_common_batch(
            batch, limits, nul_possible=nul_possible, common_only=common_only
        )
    except InvalidItemsError:
        check_depth(body)
        raise
    if _may_be_deep(body, items):
        if common_only:
            raise UncommonError
        check_depth(body)
    return items


def _may_be_deep(body: bytes, items: Sequence[Item]) -> bool:
    """Tell by the openers alone whether the body may nest too deep: JSON does as deep as it has openers.

    At the deepest there is a way through all openers of one item's `data`, and all outside of any.
    """
    inside = [item.state.count(b"{") + item.state.count(b"[") for item in items]
    outside = body.count(b"{") + body.count(b"[") - sum(inside)
    siblings = max(0, len(items) - 1)
    return outside - siblings + max(inside, default=0) > MAX_DEPTH


def _read_common_batch(body: bytes, *, common_only: bool) -> list[_CommonItem] | None:
    """Read a batch whose items all have an event and data, and are not too many; None for any other."""
    if body.count(b"{") > 3 * MAX_ITEMS:
        # Perhaps too many items: counted before there is an object for each.
        if common_only:
            return None
        check_syntax(body)
        elements_of(body, Faults())
    try:
        batch = _COMMON_BATCH.decode(body).items
    except ValidationError:
        return None
    except DecodeError as error:
        raise not_json(error, body) from None
    except RecursionError:
        raise too_deep() from None
    return batch if len(batch) <= MAX_ITEMS else None


def _decode_common_batch(
    batch: list[_CommonItem], limits: Limits, *, nul_possible: bool, common_only: bool
) -> list[Item]:
    faults = Faults()
    currencies, latest, most_bytes = limits
    items: list[Item] = []
    for index, sent in enumerate(batch):
        event, state = sent.event, bytes(sent.data)
        reader = READERS.get(event) if len(state) <= most_bytes else None
        if reader is not None and not (nul_possible and _NUL in state):
            try:
                items.append(reader(state, currencies, latest))
            except ValueError:
                pass  # not common, or not valid: the rules decide
            else:
                continue
        if common_only:
            raise UncommonError
        item = read_parts(event, state, limits, f"/items/{index}", faults)
        if item is not None:
            items.append(item)
    faults.raise_any()
    return items


def _decode_any_batch(body: bytes, limits: Limits) -> list[Item]:
    """Read a batch of any form exactly, after what is refused before its items are looked at."""
    check_syntax(body)
    faults = Faults()
    elements = elements_of(body, faults)
    items = [
        item
        for index, element in enumerate(elements)
        if (item := read_item(bytes(element), limits, f"/items/{index}", faults)) is not None
    ]
    faults.raise_any()
    return items


def elements_of(body: bytes, faults: Faults) -> list[Raw]:
    """Take the items of any JSON apart, if they are an array, and not too many."""
    try:
        items = bytes(_ANY_BATCH.decode(body).items)
    except ValidationError:
        faults.add("", "wrong_type", "must be an object")
        return []
    if not items:
        faults.add("/items", "missing", "must be given")
        return []
    if not items.startswith(b"["):
        faults.add("/items", "wrong_type", "must be an array")
        return []
    return elements_in(items)


def elements_in(array: bytes) -> list[Raw]:
    """Take an array apart. Raises TooManyItemsError if it has more than a batch may have."""
    # Counted first: 16 MiB of `[0,0,…]` would be half a gigabyte of objects.
    if has_more_elements(array, MAX_ITEMS):
        raise TooManyItemsError(MAX_ITEMS)
    return _ELEMENTS.decode(array)
