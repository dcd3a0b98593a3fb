"""What a query parameter can be: how its text is read, and how the OpenAPI document describes it."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from domain.ids import Id
from domain.instant import Instant, as_datetime
from domain.money import AmountError, parse_amount

_LONGEST_ID = 255
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_LONGEST_INTEGER = 20
_DURATION = re.compile(r"([1-9]\d{0,8})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HEX_LOG_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
# No RFC 3339 time has a space before its offset: there it can only be a `+` that was not encoded.
_SPACE_FOR_PLUS = re.compile(r" (?=\d\d:\d\d\Z)", re.ASCII)


class UnfitError(ValueError):
    """A text that is no value of its kind. `code` is the stable name of the fault."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep `code` (for programs) beside `detail` (for people)."""
        super().__init__(detail)
        self.code = code


class Kind(NamedTuple):
    """A kind of parameter. `read` raises UnfitError."""

    read: Callable[[str], Any]
    schema: Schema


def kind_of(annotation: Any) -> Kind:
    """Return the kind for the type of a filter, which may be None besides."""
    inner = annotation
    if get_origin(annotation) in {Union, UnionType}:
        (inner,) = (each for each in get_args(annotation) if each is not type(None))
    if get_origin(inner) is Literal:
        return _choice(get_args(inner))
    if get_origin(inner) is tuple and get_origin(get_args(inner)[0]) is Literal:
        return _some_of(get_args(get_args(inner)[0]))
    if get_origin(inner) is Annotated and inner.__origin__ is int:
        (bounds,) = inner.__metadata__
        return integer(bounds.ge, bounds.le)
    for known, kind in _KINDS:
        if inner == known:
            return kind
    raise TypeError(f"no parameter can be read as {annotation}")


def _some_of(values: tuple[str, ...]) -> Kind:
    """Return the kind of a comma-separated list of some of these values, at least one, each once.

    It is read into their own order, so that two spellings of one choice are equal.
    """

    def read(text: str) -> tuple[str, ...]:
        chosen = text.split(",")
        if not set(chosen) <= set(values):
            raise UnfitError(
                "not_one_of", f"must be some of {', '.join(values)}, separated by commas"
            )
        if len(set(chosen)) < len(chosen):
            raise UnfitError("repeated", "must name each value once")
        return tuple(value for value in values if value in chosen)

    items = Schema(type=OpenAPIType.STRING, enum=list(values))
    return Kind(read, Schema(type=OpenAPIType.ARRAY, items=items, min_items=1, unique_items=True))


def integer(least: int, most: int) -> Kind:
    """Return the kind of an integer within bounds, both inclusive."""

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise UnfitError("not_an_integer", "must be an integer")
        if len(text) > _LONGEST_INTEGER or not least <= int(text) <= most:
            raise UnfitError("out_of_range", f"must be from {least} to {most}")
        return int(text)

    return Kind(read, Schema(type=OpenAPIType.INTEGER, minimum=least, maximum=most))


def _choice(values: tuple[str, ...]) -> Kind:
    def read(text: str) -> str:
        if text not in values:
            raise UnfitError("not_one_of", f"must be one of {', '.join(values)}")
        return text

    return Kind(read, Schema(type=OpenAPIType.STRING, enum=list(values)))


def _read_text(text: str) -> str:
    if "\0" in text:
        raise UnfitError("nul", "must not contain NUL")
    return text


def _read_id(text: str) -> str:
    if not text:
        raise UnfitError("empty", "must not be empty")
    if len(text) > _LONGEST_ID:
        raise UnfitError("too_long", f"must have at most {_LONGEST_ID} characters")
    return _read_text(text)


def _read_boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise UnfitError("not_a_boolean", "must be true or false")
    return text == "true"


def _read_time(text: str) -> datetime:
    try:
        return as_datetime(Instant.parse(_SPACE_FOR_PLUS.sub("+", text)))
    except ValueError as error:
        detail = f"must be an RFC 3339 timestamp like 2025-01-15T06:00:00Z: {error}"
        raise UnfitError("not_a_timestamp", detail) from None


def _read_time_or_day(text: str) -> date:
    if not _DATE.fullmatch(text):
        return _read_time(text)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        detail = f"must be an RFC 3339 timestamp, or a date like 2025-01-15: {error}"
        raise UnfitError("not_a_timestamp", detail) from None


def _read_day(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        why = ""
    except ValueError as error:
        why = f": {error}"
    raise UnfitError("not_a_date", f"must be a date like 2025-01-15{why}")


def _read_duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UnfitError(
            "not_a_duration", "must be a whole number of s, m, h or d, like 90m, 24h or 7d"
        )
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _read_number(text: str) -> Decimal:
    try:
        return parse_amount(text)
    except AmountError as error:
        raise UnfitError(error.code, str(error)) from None
    except ValueError:
        raise UnfitError("not_a_number", "must be a number, 0 or more, like 3 or 2.5") from None


def _read_log_id(text: str) -> bytes:
    if not _HEX_LOG_ID.fullmatch(text):
        raise UnfitError("not_a_log_id", "must be 32 hexadecimal digits in lower case")
    return bytes.fromhex(text)


TEXT = Kind(_read_text, Schema(type=OpenAPIType.STRING))
TIME = Kind(_read_time, Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME))
TIME_OR_DAY = Kind(
    _read_time_or_day,
    Schema(
        type=OpenAPIType.STRING,
        any_of=[
            Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
            Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE),
        ],
    ),
)
"""A moment, or a date, which stands for the beginning of the gaming day of that name."""
BOOLEAN = Kind(_read_boolean, Schema(type=OpenAPIType.BOOLEAN))
LOG_ID = Kind(_read_log_id, Schema(type=OpenAPIType.STRING, pattern="^[0-9a-f]{32}$"))

_KINDS: list[tuple[Any, Kind]] = [
    (
        Id,
        Kind(_read_id, Schema(type=OpenAPIType.STRING, min_length=1, max_length=_LONGEST_ID)),
    ),
    (str, TEXT),
    (bool, BOOLEAN),
    (datetime, TIME),
    (date, Kind(_read_day, Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE))),
    (
        timedelta,
        Kind(_read_duration, Schema(type=OpenAPIType.STRING, pattern="^[1-9][0-9]*[smhd]$")),
    ),
    (Decimal, Kind(_read_number, Schema(type=OpenAPIType.NUMBER, minimum=0))),
]
