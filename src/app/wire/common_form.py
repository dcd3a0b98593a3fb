"""The fast way from `data` to a valid item, for items in the form that clients commonly send.

A reader raises ValueError for whatever it is not sure about: invalid data, and valid data
in an uncommon form (a repeated member, an amount with an exponent). `rules` decides about those, exactly.
A reader never accepts what the rules refuse, but for NUL: whoever calls it has made sure there is none.
"""

import re
from collections.abc import Callable, Container
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, defstruct
from msgspec.json import Decoder

from app.wire.item import Item
from app.wire.rules import MAX_ELEMENTS, MAX_RATIO
from domain.instant import parse_datetime, parse_day_or_instant
from domain.item_types import ITEM_TYPES, ItemType, Kind, Member
from domain.money import MAX_FRACTION_DIGITS, MAX_INTEGER_DIGITS

Reader = Callable[[bytes, Container[str], datetime], Item]
"""Reads `data` of a tenant that may send these currencies, and timestamps up to that one."""

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
    Kind.RATIO: Raw,
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


def _reader(item_type: ItemType) -> Reader:
    decode = _DECODERS[item_type.wire_type].decode
    prefix = item_type.stream.prefix
    id_of = attrgetter(item_type.stream.member)
    topics, told_by = item_type.topics, item_type.told_by
    topic = topics[0]
    members = item_type.members
    checks = [_check_of(member) for member in members if member.kind in _CHECKS]
    codes = [attrgetter(member.name) for member in members if member.kind is Kind.CURRENCY]

    def read(state: bytes, currencies: Container[str], latest: datetime) -> Item:
        data: Any = decode(state)
        for check in checks:
            check(data)
        for code_of in codes:
            if code_of(data) not in currencies:
                raise ValueError("an unknown currency")
        moment = parse_datetime(data.timestamp)
        if moment > latest:
            raise ValueError("in the future")
        of_topic = topic if told_by is None else topics[getattr(data, told_by)]
        return Item(data.unique_id, of_topic, prefix + id_of(data), moment, state)

    return read


_CHECKS = {Kind.AMOUNT, Kind.RATIO, Kind.DAY_OR_TIMESTAMP}


def _check_of(member: Member) -> Callable[[Any], None]:
    """Make the check of what the decoder can't know of a member. It raises ValueError."""
    value_of = attrgetter(member.name)

    def check_amount(data: Any) -> None:
        amount = value_of(data)
        if not _is_plain_amount(amount) and (member.required or amount != _NULL):
            raise ValueError("not an amount in its common form")

    def check_ratio(data: Any) -> None:
        check_amount(data)
        ratio = value_of(data)
        if ratio != _NULL and Decimal(bytes(ratio).decode()) > MAX_RATIO:
            raise ValueError("too great")

    def check_day(data: Any) -> None:
        value = value_of(data)
        if value is not None:
            parse_day_or_instant(value)

    checks = {Kind.AMOUNT: check_amount, Kind.RATIO: check_ratio, Kind.DAY_OR_TIMESTAMP: check_day}
    return checks[member.kind]


READERS: dict[str, Reader] = {
    wire_type: _reader(item_type) for wire_type, item_type in ITEM_TYPES.items()
}
"""A reader for each type of item."""
