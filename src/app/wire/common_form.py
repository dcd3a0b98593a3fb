"""The fast way from `data` to a valid item, for items in the form that clients commonly send.

A reader raises ValueError for whatever it is not sure about: invalid data, and valid data
in an uncommon form (a repeated member, an amount with an exponent). `rules` decides about those, exactly.
A reader never accepts what the rules refuse, but for NUL: whoever calls it has made sure there is none.
"""

import re
from collections.abc import Callable, Container
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, defstruct
from msgspec.json import Decoder

from app.wire.item import Item
from app.wire.rules import MAX_ELEMENTS
from domain.instant import parse_datetime, parse_day_or_instant
from domain.item_types import ITEM_TYPES, ItemType, Kind, Member
from domain.money import MAX_FRACTION_DIGITS, MAX_INTEGER_DIGITS

Reader = Callable[[bytes], Item]

_Id = Annotated[str, Meta(min_length=1, max_length=255)]

_is_plain_amount = re.compile(
    rb"(?:0|[1-9][0-9]{0,%d})(?:\.[0-9]{1,%d})?" % (MAX_INTEGER_DIGITS - 1, MAX_FRACTION_DIGITS)
).fullmatch
_NULL = Raw(b"null")


_KINDS: dict[Kind, Any] = {
    Kind.ID: _Id,
    Kind.TIMESTAMP: str,
    Kind.TEXT: str,
    Kind.TEXTS: Annotated[list[str], Meta(max_length=MAX_ELEMENTS)],
    Kind.FLAG: bool,
    Kind.AMOUNT: Raw,
    Kind.CURRENCY: str,
    Kind.DAY_OR_TIMESTAMP: str,
}


def _field(member: Member) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind = Literal[member.choices] if member.choices else _KINDS[member.kind]
    if member.required:
        return member.name, kind
    return (member.name, kind, _NULL) if kind is Raw else (member.name, kind | None, None)


_DECODERS = {
    wire_type: Decoder(defstruct(wire_type, map(_field, item_type.members), gc=False))
    for wire_type, item_type in ITEM_TYPES.items()
}


def readers(currencies: Container[str], latest: datetime) -> dict[str, Reader]:
    """Return a reader for each type of item, for a tenant's currencies and timestamps up to `latest`."""
    return {
        wire_type: _reader(item_type, currencies, latest)
        for wire_type, item_type in ITEM_TYPES.items()
    }


def _reader(item_type: ItemType, currencies: Container[str], latest: datetime) -> Reader:
    decode = _DECODERS[item_type.wire_type].decode
    prefix = item_type.stream.prefix
    id_of = attrgetter(item_type.stream.member)
    topics, told_by = item_type.topics, item_type.told_by
    topic = topics[0]
    checks = [
        _check_of(member, currencies) for member in item_type.members if member.kind in _CHECKS
    ]

    def read(state: bytes) -> Item:
        data: Any = decode(state)
        for check in checks:
            check(data)
        moment = parse_datetime(data.timestamp)
        if moment > latest:
            raise ValueError("in the future")
        of_topic = topic if told_by is None else topics[getattr(data, told_by)]
        return Item(data.unique_id, of_topic, prefix + id_of(data), moment, state)

    return read


_CHECKS = {Kind.AMOUNT, Kind.CURRENCY, Kind.DAY_OR_TIMESTAMP}


def _check_of(member: Member, currencies: Container[str]) -> Callable[[Any], None]:
    """Make the check of what the decoder can't know of a member. It raises ValueError."""
    value_of = attrgetter(member.name)

    def check_amount(data: Any) -> None:
        amount = value_of(data)
        if not _is_plain_amount(amount) and (member.required or amount != _NULL):
            raise ValueError("not an amount in its common form")

    def check_currency(data: Any) -> None:
        if value_of(data) not in currencies:
            raise ValueError("an unknown currency")

    def check_day(data: Any) -> None:
        value = value_of(data)
        if value is not None:
            parse_day_or_instant(value)

    of_kind = {
        Kind.AMOUNT: check_amount,
        Kind.CURRENCY: check_currency,
        Kind.DAY_OR_TIMESTAMP: check_day,
    }
    return of_kind[member.kind]
