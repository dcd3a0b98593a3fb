"""The rules for each member of `data`, as a table: exact, and naming every fault.

A rule looks at the JSON text of one value and answers with what is wrong: where below the value, a stable
code, and what was expected. It answers with the first thing that is wrong with a value, not with all.
"""

from collections.abc import Callable, Container, Iterable
from datetime import datetime
from typing import NamedTuple

from msgspec import Raw, ValidationError
from msgspec.json import Decoder

from app.wire.json_text import has_more_elements
from domain.instant import Instant, parse_day_or_instant
from domain.item_types import ITEM_TYPES, Kind, Member
from domain.money import AmountError, parse_amount

MAX_ID_CHARACTERS = 255

MAX_ELEMENTS = 10_000
"""How many strings an array holds at most."""

MAX_NUMBER_CHARACTERS = 10_000
"""How long the spelling of an amount is at most, zeros and exponent included."""

MAX_RATIO = 2
"""What a game can return of a bet in the long run at most."""


class Limits(NamedTuple):
    """What a rule has to know of the world.

    The tenant's currencies, the greatest timestamp, and how long `data` may be, in bytes as sent.
    """

    currencies: Container[str]
    latest: datetime
    max_event_bytes: int


class Problem(NamedTuple):
    """What is wrong with a value: `where` continues the value's JSON Pointer ('' is the value itself)."""

    where: str
    code: str
    detail: str


Rule = Callable[[bytes, Limits], Iterable[Problem]]
"""Tells what is wrong with a value, given as JSON text."""

_FINE: tuple[Problem, ...] = ()
_NUL = ("nul", "must not hold the character NUL (U+0000)")

# Each is handed texts of its type alone, known to be JSON in UTF-8.
read_string = Decoder(str).decode
_read_strings = Decoder(list[str]).decode
_read_elements = Decoder(list[Raw]).decode


def _wrong(code: str, detail: str) -> tuple[Problem, ...]:
    return (Problem("", code, detail),)


def string(text: bytes, limits: Limits) -> tuple[Problem, ...]:
    """Allow any string without NUL."""
    del limits
    return _string(text)


def _string(text: bytes) -> tuple[Problem, ...]:
    if not text.startswith(b'"'):
        return _wrong("wrong_type", "must be a string")
    if "\0" in read_string(text):
        return _wrong(*_NUL)
    return _FINE


def identifier(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow a string of 1 to 255 characters (code points) without NUL."""
    if problems := string(text, limits):
        return problems
    length = len(read_string(text))
    if length == 0:
        return _wrong("empty", "must not be empty")
    if length > MAX_ID_CHARACTERS:
        return _wrong("too_long", f"must not be longer than {MAX_ID_CHARACTERS} characters")
    return _FINE


def timestamp(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow an RFC 3339 timestamp, offset optional, not after the latest."""
    if not text.startswith(b'"'):
        return _wrong("wrong_type", "must be a string")
    try:
        moment = Instant.parse(read_string(text))
    except ValueError:
        return _wrong(
            "not_a_timestamp", "must be an RFC 3339 timestamp in the years 1 to 9999 (UTC)"
        )
    if moment > limits.latest:
        return _wrong("in_the_future", "must not be more than 24 hours in the future")
    return _FINE


def day_or_timestamp(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow an RFC 3339 date or timestamp of any time."""
    del limits
    if not text.startswith(b'"'):
        return _wrong("wrong_type", "must be a string")
    try:
        parse_day_or_instant(read_string(text))
    except ValueError:
        return _wrong("not_a_date", "must be an RFC 3339 date or timestamp")
    return _FINE


def amount(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow a number of 0 or more, with up to 20 digits before and 18 after the point."""
    del limits
    if text[0] not in b"-0123456789":
        return _wrong("wrong_type", "must be a number")
    if len(text) > MAX_NUMBER_CHARACTERS:
        detail = f"must not be written with more than {MAX_NUMBER_CHARACTERS:,} characters"
        return _wrong("too_many_digits", detail)
    try:
        parse_amount(text.decode("ascii"))
    except AmountError as error:
        return _wrong(error.code, str(error))
    return _FINE


def ratio(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow an amount that is not more than 2."""
    if problems := tuple(amount(text, limits)):
        return problems
    if parse_amount(text.decode("ascii")) > MAX_RATIO:
        return _wrong("too_great", f"must not be more than {MAX_RATIO}")
    return _FINE


def currency(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow the code of a currency that the tenant may send."""
    if not text.startswith(b'"'):
        return _wrong("wrong_type", "must be a string")
    if read_string(text) not in limits.currencies:
        return _wrong(
            "unknown_currency", "must be an ISO 4217 code, or a code allowed for the tenant"
        )
    return _FINE


def boolean(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow true and false."""
    del limits
    return _FINE if text in {b"true", b"false"} else _wrong("wrong_type", "must be true or false")


def one_of(*allowed: str) -> Rule:
    """Allow some strings."""

    def rule(text: bytes, limits: Limits) -> Iterable[Problem]:
        del limits
        if not text.startswith(b'"'):
            return _wrong("wrong_type", "must be a string")
        if read_string(text) not in allowed:
            return _wrong("not_allowed", f"must be one of {', '.join(allowed)}")
        return _FINE

    return rule


def strings(text: bytes, limits: Limits) -> Iterable[Problem]:
    """Allow an array of up to 10,000 strings without NUL."""
    del limits
    if not text.startswith(b"["):
        return _wrong("wrong_type", "must be an array of strings")
    # Counted first, where there are commas enough: each element is an object in memory.
    if text.count(b",") >= MAX_ELEMENTS and has_more_elements(text, MAX_ELEMENTS):
        return _wrong("too_many", f"must not hold more than {MAX_ELEMENTS:,} strings")
    try:
        values = _read_strings(text)
    except ValidationError:
        return (
            Problem(f"/{index}", problem.code, problem.detail)
            for index, element in enumerate(_read_elements(text))
            for problem in _string(bytes(element))
        )
    return (Problem(f"/{index}", *_NUL) for index, value in enumerate(values) if "\0" in value)


def nullable(rule: Rule) -> Rule:
    """Allow null beside what `rule` allows."""

    def null_or(text: bytes, limits: Limits) -> Iterable[Problem]:
        return _FINE if text == b"null" else map(_or_null, rule(text, limits))

    return null_or


def _or_null(problem: Problem) -> Problem:
    if problem.where or problem.code not in {"wrong_type", "not_allowed"}:
        return problem
    return problem._replace(detail=f"{problem.detail}, or null")


class Judged(NamedTuple):
    """A member of `data`, and the rule for its value."""

    name: str
    rule: Rule
    required: bool


_OF_KIND: dict[Kind, Rule] = {
    Kind.ID: identifier,
    Kind.TIMESTAMP: timestamp,
    Kind.TEXT: string,
    Kind.TEXTS: strings,
    Kind.FLAG: boolean,
    Kind.AMOUNT: amount,
    Kind.RATIO: ratio,
    Kind.CURRENCY: currency,
    Kind.DAY_OR_TIMESTAMP: day_or_timestamp,
}


def _judged(member: Member) -> Judged:
    rule = one_of(*member.choices) if member.choices else _OF_KIND[member.kind]
    return Judged(member.name, rule if member.required else nullable(rule), member.required)


RULES: dict[str, tuple[Judged, ...]] = {
    wire_type: tuple(map(_judged, item_type.members)) for wire_type, item_type in ITEM_TYPES.items()
}
"""The rules for each type of item, by its members in the contract's order."""
