"""The forms in which a batch may come: its dialect, and whether one faulty item spoils it.

A batch in our own form that is to be taken whole or not at all is read by `app.wire.items` alone.
"""

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import Raw, Struct
from msgspec.json import Decoder

from app.wire import fasttrack
from app.wire.exact import read_item
from app.wire.faults import MAX_REPORTED_FAULTS, Fault, Faults, InvalidItemsError
from app.wire.item import IgnoredItemError, Item
from app.wire.items import FUTURE_ALLOWED, UncommonError, decode_batch, elements_in, elements_of
from app.wire.json_text import check_syntax, check_utf8
from app.wire.rules import MAX_ID_CHARACTERS, Limits, read_string
from domain.fasttrack import IDS, is_given, payload_of, text_of
from domain.money import number_value

Dialect = Literal["events", "fasttrack"]
"""In whose words items are written."""


class Form(NamedTuple):
    """How a batch is written, and whether it is taken without its invalid items, or not at all."""

    dialect: Dialect = "events"
    lenient: bool = False


PLAIN = Form()
"""Our own items, all or none."""

MAX_FAULTS_OF_ITEM = 100
"""How many faults of one item are told where it is left out; of the batch's last ones, one each."""
_WHITE_SPACE = b" \t\r\n"
_MOST_FAULTS = 10 * MAX_REPORTED_FAULTS


class LeftOut(Struct, frozen=True, gc=False):
    """An item that is left out of a batch: `at` which index, and why; without a fault it is ignored.

    `pointer` is where it stands in the body, `data` as it was sent: nothing where there is none, or too much.
    `player_ids` are all players that it names.
    """

    at: int
    pointer: str
    dialect: Dialect
    unique_id: str | None
    event: str | None
    player_ids: list[str]
    data: bytes
    faults: list[Fault]


class Batch(NamedTuple):
    """The items that can be recorded, and those that are left out, both in the order sent."""

    items: list[Item]
    left_out: list[LeftOut]


_Reader = Callable[[bytes, Limits, str, Faults], Item | None]
"""Reads the text of an item, which stands at a pointer; None if it has faults, which are added.

Raises IgnoredItemError.
"""

_READERS: Mapping[Dialect, _Reader] = {"events": read_item, "fasttrack": fasttrack.read_item}


def decode_form(
    body: bytes,
    form: Form,
    *,
    currencies: Container[str],
    now: datetime,
    max_event_bytes: int,
) -> Batch:
    """Read a request's body in any form. Raises as `app.wire.items.decode_batch` does.

    Where it is lenient InvalidItemsError says that there are no items to be told apart.
    """
    if form.dialect == "events":
        try:
            items = decode_batch(
                body,
                currencies=currencies,
                now=now,
                max_event_bytes=max_event_bytes,
                common_only=form.lenient,
            )
        except UncommonError:
            pass  # some may be invalid
        else:
            return Batch(items, [])
    check_utf8(body)
    check_syntax(body)
    faults, where = Faults(), "/items"
    if form.dialect == "fasttrack" and body.lstrip(_WHITE_SPACE).startswith(b"["):
        elements, where = elements_in(body), ""
    else:
        elements = elements_of(body, faults)
        faults.raise_any()
    limits = Limits(currencies, now + FUTURE_ALLOWED, max_event_bytes)
    return _read(elements, where, form, limits)


def _read(elements: list[Raw], where: str, form: Form, limits: Limits) -> Batch:
    batch, of_all, told = Batch([], []), Faults(), 0
    read = _READERS[form.dialect]
    for at, element in enumerate(elements):
        text, pointer = bytes(element), f"{where}/{at}"
        faults = of_all
        if form.lenient:
            faults = Faults(MAX_FAULTS_OF_ITEM if told < _MOST_FAULTS else 1)
        item = None
        try:
            item = read(text, limits, pointer, faults)
        except IgnoredItemError:
            batch.left_out.append(_left_out(form.dialect, at, pointer, text, [], limits))
            continue
        except InvalidItemsError:
            if not form.lenient:
                raise
        if item is not None:
            batch.items.append(item)
        elif form.lenient:
            told += len(faults)
            batch.left_out.append(_left_out(form.dialect, at, pointer, text, faults.found, limits))
    of_all.raise_any()
    return batch


class _Named(Struct, gc=False):
    event: Raw = Raw()
    data: Raw = Raw()


class _Ids(Struct, gc=False):
    unique_id: Raw = Raw()
    payment_id: Raw = Raw()
    activity_id: Raw = Raw()
    player_id: Raw = Raw()
    user_id: Raw = Raw()


_ALL_IDS = ("unique_id", "payment_id", "activity_id")
_NAMED, _IDS = Decoder(_Named), Decoder(_Ids)


def _left_out(
    dialect: Dialect, at: int, pointer: str, text: bytes, faults: list[Fault], limits: Limits
) -> LeftOut:
    """Write down an item that is left out, with what it can be found by."""
    named = _NAMED.decode(text) if text.startswith(b"{") else _Named()
    data = bytes(named.data)
    ids = _IDS.decode(data) if data.startswith(b"{") else _Ids()
    event = _id(named.event)
    own_ids = [getattr(ids, name) for name in _names_of_id(dialect, event)]
    players = map(_id, (ids.player_id, ids.user_id))
    return LeftOut(
        at,
        pointer,
        dialect,
        next((_id(each) for each in own_ids if is_given(each)), None),
        event,
        [each for each in players if each is not None],
        data if len(data) <= limits.max_event_bytes else b"",
        faults,
    )


def _names_of_id(dialect: Dialect, event: str | None) -> tuple[str, ...]:
    """Return the members that would hold the id were the item recorded, the first of them first."""
    if dialect == "events":
        return ("unique_id",)
    payload = payload_of(event or "")
    return _ALL_IDS if payload is None else IDS.get(payload, ("unique_id",))


def _id(value: Raw) -> str | None:
    """Return an id as far as there is one: what is none may be of any length."""
    text = bytes(value)
    found = read_string(text) if text.startswith(b'"') else _whole(text.decode())
    return found if 0 < len(found) <= MAX_ID_CHARACTERS and "\0" not in found else None


def _whole(text: str) -> str:
    """Return the id that a number is, as it is sent or by its value (`686.0` is 686); else nothing."""
    try:
        return text_of(Raw(text))
    except ValueError:
        pass
    try:
        is_negative, digits, exponent = number_value(text)
    except ValueError:
        return ""
    if isinstance(exponent, str) or not 0 <= exponent <= MAX_ID_CHARACTERS:
        return ""
    return "-" * is_negative + (digits or "0") + "0" * exponent
