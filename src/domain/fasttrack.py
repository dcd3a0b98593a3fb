"""Fast Track's dialect: what its payloads say, as domain events of ours.

A payload is recorded as it was sent, under a topic that names the event and the dialect. It is read here in
any way that the public pages of Fast Track show it (fasttrack.ai, Integration, Real-time data): ids as
strings or whole numbers, names in any case, hours of one digit. What is read was checked before, by
`app.wire.fasttrack`.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder

from domain.events import (
    BetPlaced,
    BetRolledBack,
    BlocksUpdated,
    ConsentsUpdated,
    Deposited,
    Event,
    LoggedIn,
    PlayerEvent,
    PlayerUpdated,
    RoundEvent,
    SplitBet,
    SplitBetRolledBack,
    SplitWin,
    SplitWinRolledBack,
    WinPaid,
    WinRolledBack,
    Withdrawn,
    without_content,
)
from domain.instant import Instant, format_instant, parse_day_or_instant
from domain.money import ZERO, parse_amount

Payload = Literal["realtime-casino", "realtime-payment", "login", "user", "consents", "blocks"]
"""The `event` of payloads, as history names them: they are sent under more names than these."""

DIALECT: Literal["fasttrack"] = "fasttrack"
SUFFIX = f".{DIALECT}"
"""What the topics of payloads end in."""

_NAMES: dict[str, Payload] = {
    "casino": "realtime-casino",
    "payment": "realtime-payment",
    **dict.fromkeys(("login", "user-login"), "login"),
    **dict.fromkeys(
        (
            *("user", "user-create", "user-update", "user-registration", "user-details"),
            *("registration", "player", "player-registration", "player-update"),
        ),
        "user",
    ),
    **dict.fromkeys(("consent", "consents", "user-consent", "user-consents"), "consents"),
    **dict.fromkeys(
        ("block", "blocks", "user-block", "user-blocks", "player-block", "player-blocks"), "blocks"
    ),
}
_VERSION = re.compile(r"-v\d+$")


def payload_of(event: str) -> Payload | None:
    """Return which payload an `event` names, None if it is none that is known.

    Case, `_` for `-`, a `realtime-` before it and a version behind it say nothing: LOGIN_V2 is a login.
    """
    name = event.lower().replace("_", "-").removeprefix("realtime-")
    return _NAMES.get(_VERSION.sub("", name))


_CASINO: dict[str, type[RoundEvent]] = {
    "bet": BetPlaced,
    "win": WinPaid,
    "loss": WinPaid,
    "rollbackbet": BetRolledBack,
    "rollbackwin": WinRolledBack,
}
_SPLIT: dict[type[RoundEvent], Callable[..., RoundEvent]] = {
    BetPlaced: SplitBet,
    WinPaid: SplitWin,
    BetRolledBack: SplitBetRolledBack,
    WinRolledBack: SplitWinRolledBack,
}
_PAYMENT: dict[str, type[Deposited | Withdrawn]] = {"credit": Deposited, "debit": Withdrawn}
_OTHERS: dict[Payload, type[PlayerEvent]] = {
    "login": LoggedIn,
    "user": PlayerUpdated,
    "consents": ConsentsUpdated,
    "blocks": BlocksUpdated,
}

CASINO_TYPES = tuple(_CASINO)
PAYMENT_TYPES = tuple(_PAYMENT)
"""What `type` may say, in lower case."""


def _topics(payload: Payload, events: set[type[Event]]) -> dict[str, Payload]:
    return {event.__name__ + SUFFIX: payload for event in sorted(events, key=lambda e: e.__name__)}


PAYLOADS: dict[str, Payload] = {
    **_topics("realtime-casino", {*_CASINO.values()}),
    **_topics("realtime-payment", {*_PAYMENT.values()}),
    **{name: payload for payload, event in _OTHERS.items() for name in _topics(payload, {event})},
}
"""The payload of each topic. The topics name what is recorded for ever."""

PERSONAL_PAYLOADS = frozenset(topic for topic, payload in PAYLOADS.items() if payload in _OTHERS)
"""The topics of events that can be erased."""


class Data(Struct, gc=False):
    """The members of all payloads as texts, of a repeated one the last."""

    unique_id: Raw = Raw()
    activity_id: Raw = Raw()
    payment_id: Raw = Raw()
    user_id: Raw = Raw()
    timestamp: Raw = Raw()
    game_id: Raw = Raw()
    round_id: Raw = Raw()
    type: Raw = Raw()
    status: Raw = Raw()
    amount: Raw = Raw()
    currency: Raw = Raw()
    bonus_wager_amount: Raw = Raw()
    base_amount: Raw = Raw()
    vendor_name: Raw = Raw()
    username: Raw = Raw()
    registration_date: Raw = Raw()
    country: Raw = Raw()
    sex: Raw = Raw()
    affiliate_reference: Raw = Raw()
    roles: Raw = Raw()
    is_blocked: Raw = Raw()
    consents: Raw = Raw()
    blocks: Raw = Raw()


read_data: Callable[[bytes | Raw], Data] = Decoder(Data).decode
_value: Callable[[Raw], Any] = Decoder(Any).decode
_text: Callable[[Raw], str] = Decoder(str).decode

IDS: Mapping[Payload, tuple[str, ...]] = {
    "realtime-casino": ("unique_id", "activity_id"),
    "realtime-payment": ("payment_id", "unique_id"),
}
"""The members that hold the id of a payload: the first one that is there."""


def topic_of(payload: Payload, data: Data) -> str:
    """Return which domain event a payload is, by its topic."""
    if payload == "realtime-casino":
        event: type[Event] = _CASINO[_casino_type(data)]
    elif payload == "realtime-payment":
        event = _PAYMENT[_text(data.type).lower()]
    else:
        event = _OTHERS[payload]
    return event.__name__ + SUFFIX


def event_of(topic: str) -> str:
    """Return the name of the domain event that a topic of the dialect is of."""
    return topic.removesuffix(SUFFIX)


def decode(topic: str, state: bytes, stream: str = "") -> Event:
    """Decode an event from its recorded state, as `domain.events.decode` does, erased ones too.

    Raises ValueError for a state that is no such payload.
    """
    if state.startswith(b'"'):
        kind = _OTHERS.get(PAYLOADS[topic], PlayerEvent)
        return without_content(kind, state, stream)
    return read(PAYLOADS[topic], read_data(state))


def read(payload: Payload, data: Data) -> PlayerEvent:
    """Read a payload that is one. Raises ValueError for another."""
    user_id, at = text_of(data.user_id), read_instant(_text(data.timestamp))
    event_id = _id_of(payload, data, user_id, at)
    if payload == "realtime-casino":
        return _round_event(data, event_id, at, user_id)
    if payload == "realtime-payment":
        kind = _PAYMENT[_text(data.type).lower()]
        amount = parse_amount(digits_of(data.amount))
        return kind(event_id, at, user_id, amount, _text(data.currency), text_of(data.vendor_name))
    if payload == "login":
        return LoggedIn(event_id, at, user_id)
    if payload == "consents":
        consents = entries_of(data.consents, "opted_in")
        email = [given for name, given in consents.items() if name.lower() == "email"]
        return ConsentsUpdated(
            event_id, at, user_id, consent_email=email[-1] if email else UNSET, consents=consents
        )
    if payload == "blocks":
        blocks = entries_of(data.blocks, "active")
        is_blocked = any(blocks.values()) if is_given(data.blocks) else _member(data.is_blocked)
        return BlocksUpdated(event_id, at, user_id, is_blocked=is_blocked, blocks=blocks)
    return PlayerUpdated(
        event_id,
        at,
        user_id,
        username=_member(data.username),
        registration_date=_day(data.registration_date),
        country=_member(data.country),
        currency=_member(data.currency),
        gender=_gender(data.sex),
        affiliate=_member(data.affiliate_reference),
        tags=_member(data.roles),
        is_blocked=_member(data.is_blocked),
    )


def _round_event(data: Data, event_id: str, at: Instant, user_id: str) -> RoundEvent:
    name = _casino_type(data)
    amount = bonus = ZERO
    if name != "loss":
        amount, bonus = parse_amount(digits_of(data.amount)), bonus_of(data)
    where = (event_id, at, user_id, text_of(data.game_id), text_of(data.round_id), amount)
    kind, currency = _CASINO[name], _text(data.currency)
    if not ZERO < bonus < amount:
        return kind(*where, currency, bonus != ZERO)
    return _SPLIT[kind](*where, currency, is_bonus=False, bonus_amount=bonus)


def _casino_type(data: Data) -> str:
    """Return what `type` says; with the `status` of a rollback a bet or a win is taken back."""
    name = _text(data.type).lower()
    is_text = bytes(data.status).startswith(b'"')
    if is_text and _text(data.status).lower() == "rollback" and f"rollback{name}" in _CASINO:
        return f"rollback{name}"
    return name


def bonus_of(data: Data) -> Decimal:
    """Return how much of a bet or a win is bonus money: nothing, if that isn't said."""
    return (
        parse_amount(digits_of(data.bonus_wager_amount))
        if is_given(data.bonus_wager_amount)
        else ZERO
    )


def is_too_much(data: Data) -> bool:
    """Return whether more than the amount is said to be bonus money; the amount of a loss says nothing."""
    return _casino_type(data) != "loss" and bonus_of(data) > parse_amount(digits_of(data.amount))


def is_given(value: Raw) -> bool:
    """Return whether a member is there, and not null."""
    return bytes(value) not in {b"", b"null"}


def _id_of(payload: Payload, data: Data, user_id: str, at: Instant) -> str:
    """Return the id of a payload. Those about a player may come without: a player has one of them at a time.

    It is made of nothing but what stays when the event is erased.
    """
    for name in IDS.get(payload, ("unique_id",)):
        value: Raw = getattr(data, name)
        if is_given(value):
            return text_of(value)
    if len(user_id) > _LONGEST_IN_ID:
        user_id = blake2b(user_id.encode(), digest_size=16).hexdigest()
    return f"fasttrack-{payload}/{format_instant(at)}/{user_id}"


_LONGEST_IN_ID = 200
_HOUR_OF_ONE_DIGIT = re.compile(r"^(\d{4}-\d\d-\d\d[Tt])(\d:)", re.ASCII)
_WHOLE = re.compile(rb"-?(?:0|[1-9]\d*)")


def read_instant(text: str) -> Instant:
    """Read a time as Fast Track shows it: RFC 3339, an hour may have one digit. Raises ValueError."""
    return Instant.parse(_HOUR_OF_ONE_DIGIT.sub(r"\g<1>0\g<2>", text))


def text_of(value: Raw) -> str:
    """Read an id, a string or a whole number. Raises ValueError for what is neither."""
    text = bytes(value)
    if text.startswith(b'"'):
        return _text(value)
    if not _WHOLE.fullmatch(text):
        raise ValueError("neither a string nor a whole number")
    return text.decode()


def digits_of(value: Raw) -> str:
    """Return the digits of an amount, a number or a string of one."""
    text = bytes(value)
    return _text(value) if text.startswith(b'"') else text.decode()


def entries_of(value: Raw, flag: str) -> dict[str, bool]:
    """Read consents or blocks: what each is called, and whether it is given. Raises ValueError.

    A list of objects with a `type` (or `channel`) and the `flag`, one such object, or an object of flags by
    name.
    """
    if not is_given(value):
        return {}
    found: Any = _value(value)
    if isinstance(found, dict) and flag not in found:
        found = [{"type": name, flag: given} for name, given in found.items()]
    read: dict[str, bool] = {}
    for entry in found if isinstance(found, list) else [found]:
        named: dict[str, Any] = entry if isinstance(entry, dict) else {}
        name, given = named.get("type", named.get("channel")), named.get(flag)
        if not isinstance(name, str) or "\0" in name or not isinstance(given, bool):
            raise ValueError(f"must have a type, a string without NUL, and {flag}, true or false")
        read[name] = given
    return read


def _member(value: Raw) -> Any:
    return _value(value) if bytes(value) else UNSET


def _day(value: Raw) -> str | None | UnsetType:
    day: str | None | UnsetType = _member(value)
    if isinstance(day, str):
        return format_instant(read_day(day))
    return day


def read_day(text: str) -> Instant:
    """Read a date, or a time as it is shown. Raises ValueError."""
    return parse_day_or_instant(_HOUR_OF_ONE_DIGIT.sub(r"\g<1>0\g<2>", text))


def _gender(value: Raw) -> Literal["M", "F"] | None | UnsetType:
    sex = _member(value)
    if not isinstance(sex, str):
        return UNSET if sex is UNSET else None
    first = sex[:1].upper()
    return "M" if first == "M" else "F" if first == "F" else None
