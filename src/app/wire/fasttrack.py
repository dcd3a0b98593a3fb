"""From an item in Fast Track's dialect to a valid item, or to every fault it has.

What its payloads mean is in `domain.fasttrack`; here they are checked as far as that reads them. All else
that they hold is kept, and not looked at.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Raw

from app.wire import rules
from app.wire.exact import is_data, parts_of
from app.wire.faults import Faults
from app.wire.item import IgnoredItemError, Item
from app.wire.rules import Limits, Problem, Rule, nullable, read_string
from domain import fasttrack
from domain.fasttrack import (
    CASINO_TYPES,
    IDS,
    PAYMENT_TYPES,
    Data,
    Payload,
    entries_of,
    is_given,
    is_too_much,
    payload_of,
    read_data,
    read_day,
    read_instant,
    text_of,
    topic_of,
)
from domain.money import number_value
from domain.streams import player_stream

_COUNTS = "approved"
"""The status of a payment that happened."""


class _Member(NamedTuple):
    name: str
    rule: Rule
    required: bool = True


def _identifier(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow an id as ours are, or a whole number."""
    if text.startswith(b'"'):
        return rules.identifier(text, limits)
    try:
        number = text_of(Raw(text))
    except ValueError:
        return (Problem("", "wrong_type", "must be a string or a whole number"),)
    if len(number) > rules.MAX_ID_CHARACTERS:
        detail = f"must not be longer than {rules.MAX_ID_CHARACTERS} characters"
        return (Problem("", "too_long", detail),)
    return ()


def _timestamp(text: bytes, limits: Limits) -> Iterable[Problem]:
    if not text.startswith(b'"'):
        return (Problem("", "wrong_type", "must be a string"),)
    try:
        moment = read_instant(read_string(text))
    except ValueError:
        detail = "must be an RFC 3339 timestamp in the years 1 to 9999 (UTC)"
        return (Problem("", "not_a_timestamp", detail),)
    if moment > limits.latest:
        return (Problem("", "in_the_future", "must not be more than 24 hours in the future"),)
    return ()


def _day(text: bytes, limits: Limits) -> Iterable[Problem]:
    del limits
    if not text.startswith(b'"'):
        return (Problem("", "wrong_type", "must be a string"),)
    try:
        read_day(read_string(text))
    except ValueError:
        return (Problem("", "not_a_date", "must be an RFC 3339 date or timestamp"),)
    return ()


def _amount(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow an amount, a number or a string of one."""
    if not text.startswith(b'"'):
        return rules.amount(text, limits)
    digits = read_string(text)
    try:
        number_value(digits)
    except ValueError:
        return (Problem("", "wrong_type", "must be a number, or a string of one"),)
    return rules.amount(digits.encode(), limits)


def _one_of(*allowed: str) -> Rule:
    """Allow some names, in any case."""

    def rule(text: bytes, limits: Limits) -> Iterable[Problem]:
        del limits
        if not text.startswith(b'"'):
            return (Problem("", "wrong_type", "must be a string"),)
        if read_string(text).lower() not in allowed:
            return (Problem("", "not_allowed", f"must be one of {', '.join(allowed)}"),)
        return ()

    return rule


def _entries(flag: str) -> Rule:
    """Allow consents or blocks."""

    def rule(text: bytes, limits: Limits) -> Iterable[Problem]:
        del limits
        try:
            entries_of(Raw(text), flag)
        except ValueError as error:
            return (Problem("", "wrong_type", str(error)),)
        return ()

    return rule


_PLAYER = (_Member("user_id", _identifier), _Member("timestamp", _timestamp))
_MONEY = (_Member("amount", _amount), _Member("currency", rules.currency))


def _optional(rule: Rule, *names: str) -> tuple[_Member, ...]:
    return tuple(_Member(name, nullable(rule), required=False) for name in names)


MEMBERS: Mapping[Payload, tuple[_Member, ...]] = {
    "realtime-casino": (
        *_PLAYER,
        _Member("game_id", _identifier),
        _Member("round_id", _identifier),
        _Member("type", _one_of(*CASINO_TYPES)),
        *_MONEY,
        *_optional(_amount, "bonus_wager_amount"),
    ),
    "realtime-payment": (
        *_PLAYER,
        _Member("type", _one_of(*PAYMENT_TYPES)),
        *_MONEY,
        _Member("vendor_name", _identifier),
        *_optional(_amount, "base_amount"),
    ),
    "login": _PLAYER,
    "user": (
        *_PLAYER,
        *_optional(rules.string, "username"),
        *_optional(_day, "registration_date"),
        *_optional(rules.string, "country", "currency", "sex", "affiliate_reference"),
        *_optional(rules.strings, "roles"),
        *_optional(rules.boolean, "is_blocked"),
    ),
    "consents": (*_PLAYER, *_optional(_entries("opted_in"), "consents")),
    "blocks": (
        *_PLAYER,
        *_optional(_entries("active"), "blocks"),
        *_optional(rules.boolean, "is_blocked"),
    ),
}
"""What is read of each payload."""


def read_item(text: bytes, limits: Limits, pointer: str, faults: Faults) -> Item | None:
    """Read an item as it stands in the batch; None if it has faults, which are added to `faults`.

    Raises IgnoredItemError for a payment that is not approved: it may be later, or never.
    """
    parts = parts_of(text, pointer, faults)
    if parts is None:
        return None
    event, state = parts
    payload = None if event is None else payload_of(event)
    if payload is None and event is not None:
        known = f"must be one of {', '.join(MEMBERS)}"
        faults.add(f"{pointer}/event", "unknown_event", known)
    if is_data(state, limits, pointer, faults) and payload is not None:
        data, before = read_data(state), len(faults)
        if payload == "realtime-payment" and _is_pending(data, f"{pointer}/data", faults):
            raise IgnoredItemError
        _check(payload, data, limits, f"{pointer}/data", faults)
        if len(faults) == before:
            return _item(payload, data, state)
    return None


def _is_pending(data: Data, pointer: str, faults: Faults) -> bool:
    status = bytes(data.status)
    if not status:
        faults.add(f"{pointer}/status", "missing", "must be given")
    elif not status.startswith(b'"'):
        faults.add(f"{pointer}/status", "wrong_type", "must be a string")
    else:
        return read_string(status).lower() != _COUNTS
    return False


def _check(payload: Payload, data: Data, limits: Limits, pointer: str, faults: Faults) -> None:
    before = len(faults)
    _check_id(payload, data, limits, pointer, faults)
    for name, rule, required in MEMBERS[payload]:
        text = bytes(getattr(data, name))
        if text:
            for where, code, detail in rule(text, limits):
                faults.add(f"{pointer}/{name}{where}", code, detail)
        elif required:
            faults.add(f"{pointer}/{name}", "missing", "must be given")
    if payload == "realtime-casino" and len(faults) == before and is_too_much(data):
        detail = "must not be more than amount, of which it is a part"
        faults.add(f"{pointer}/bonus_wager_amount", "too_much", detail)


def _check_id(payload: Payload, data: Data, limits: Limits, pointer: str, faults: Faults) -> None:
    """Check the id; a payload about a player may come without."""
    names = IDS.get(payload, ("unique_id",))
    for name in names:
        value: Raw = getattr(data, name)
        if is_given(value):
            for where, code, detail in _identifier(bytes(value), limits):
                faults.add(f"{pointer}/{name}{where}", code, detail)
            return
    if payload in IDS:
        faults.add(f"{pointer}/{names[0]}", "missing", "must be given")


def _item(payload: Payload, data: Data, state: bytes) -> Item:
    event = fasttrack.read(payload, data)
    stream = player_stream(event.player_id)
    return Item(event.unique_id, topic_of(payload, data), stream, event.timestamp, state)
