"""The exact way from an item's JSON text to a valid item, or to every fault it has."""

from collections.abc import Iterable
from typing import Any

from msgspec import Raw, Struct, defstruct
from msgspec.json import Decoder

from app.wire.faults import Faults
from app.wire.item import Item
from app.wire.rules import RULES, Judged, Limits, read_string
from domain.instant import Instant
from domain.item_types import ITEM_TYPES, ItemType

_ABSENT = Raw()


class _Envelope(Struct, gc=False):
    """An item's members as texts, of a repeated one the last; the others are skipped."""

    event: Raw = _ABSENT
    data: Raw = _ABSENT


# Members stay texts: numbers keep their digits, and what nobody asked for is never built.
_NAMES = sorted({member.name for members in RULES.values() for member in members})
_Members = defstruct("_Members", [(name, Raw, _ABSENT) for name in _NAMES], gc=False)

_ENVELOPE = Decoder(_Envelope)
_MEMBERS = Decoder(_Members)


def read_item(text: bytes, limits: Limits, pointer: str, faults: Faults) -> Item | None:
    """Read an item as it stands in `items`; None if it has faults, which are added to `faults`."""
    parts = parts_of(text, pointer, faults)
    return None if parts is None else read_parts(*parts, limits, pointer, faults)


def parts_of(text: bytes, pointer: str, faults: Faults) -> tuple[str | None, bytes] | None:
    """Take an item apart: its event (None if there is none) and the text of its data (b"" for none).

    Answers None for what is no item. Faults are added to `faults`.
    """
    if not text.startswith(b"{"):
        faults.add(pointer, "wrong_type", "must be an object")
        return None
    envelope = _ENVELOPE.decode(text)
    event: str | None = None
    event_text = bytes(envelope.event)
    if not event_text:
        faults.add(f"{pointer}/event", "missing", "must be given")
    elif not event_text.startswith(b'"'):
        faults.add(f"{pointer}/event", "wrong_type", "must be a string")
    else:
        event = read_string(event_text)
    return event, bytes(envelope.data)


def read_parts(
    event: str | None, data: bytes, limits: Limits, pointer: str, faults: Faults
) -> Item | None:
    """Read the parts of an item. Answers None if there are faults, which are added to `faults`."""
    rules = None if event is None else RULES.get(event)
    if rules is None and event is not None:
        faults.add(f"{pointer}/event", "unknown_event", f"must be one of {', '.join(RULES)}")
    if is_data(data, limits, pointer, faults) and event is not None and rules is not None:
        members = _MEMBERS.decode(data)
        before = len(faults)
        _check(members, rules, limits, f"{pointer}/data", faults)
        if len(faults) == before:
            return _item(ITEM_TYPES[event], members, data)
    return None


def is_data(data: bytes, limits: Limits, pointer: str, faults: Faults) -> bool:
    """Return whether a text is the data of an item, and can be looked into; else why is added to `faults`."""
    if not data:
        faults.add(f"{pointer}/data", "missing", "must be given")
    elif len(data) > limits.max_event_bytes:
        detail = f"must not be longer than {limits.max_event_bytes:,} bytes as sent"
        faults.add(f"{pointer}/data", "too-large", detail)
    elif not data.startswith(b"{"):
        faults.add(f"{pointer}/data", "wrong_type", "must be an object")
    else:
        return True
    return False


def _check(
    members: Any, rules: Iterable[Judged], limits: Limits, pointer: str, faults: Faults
) -> None:
    for name, rule, required in rules:
        text = bytes(getattr(members, name))
        if text:
            for where, code, detail in rule(text, limits):
                faults.add(f"{pointer}/{name}{where}", code, detail)
        elif required:
            faults.add(f"{pointer}/{name}", "missing", "must be given")


def _item(item_type: ItemType, members: Any, state: bytes) -> Item:
    told_by = item_type.told_by
    topic = item_type.topics[told_by is not None and bytes(getattr(members, told_by)) == b"true"]
    stream = item_type.stream.prefix + read_string(getattr(members, item_type.stream.member))
    moment = Instant.parse(read_string(members.timestamp))
    return Item(read_string(members.unique_id), topic, stream, moment, state)
