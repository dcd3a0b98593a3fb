"""JSON with exact numbers, times, and sums that never round."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import reduce
from typing import Any

Row = dict[str, Any]

EXACT = Context(prec=1_000, traps=[Inexact, InvalidOperation])


def total(*amounts: Decimal) -> Decimal:
    """Add exactly."""
    return reduce(EXACT.add, amounts, Decimal(0))


def minus(amount: Decimal) -> Decimal:
    """Negate exactly; `-amount` would round to 28 digits."""
    return amount.copy_negate()


class Number:
    """A JSON number: equal by exact value, with the digits it was written in."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __repr__(self) -> str:
        return self.text

    def _value(self) -> tuple[bool, str, int]:
        mantissa, _, exponent = self.text.lower().partition("e")
        whole, _, fraction = mantissa.lstrip("-").partition(".")
        digits = (whole + fraction).lstrip("0")
        significant = digits.rstrip("0")
        if not significant:
            return (False, "", 0)
        scale = int(exponent or "0") - len(fraction) + len(digits) - len(significant)
        return (mantissa.startswith("-"), significant, scale)


class Ratio:
    """A quotient: equal to another if they differ by no more than a service's rounding may."""

    TOLERANCE = Fraction(1, 10_000)

    def __init__(self, value: Fraction) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ratio) and abs(self.value - other.value) <= self.TOLERANCE

    __hash__ = None  # type: ignore[assignment]  # equality within a tolerance is not transitive

    def __repr__(self) -> str:
        return f"{float(self.value):.6f}"


def read_json(text: str | bytes) -> Any:
    """Read JSON with every number a `Number`; of a repeated member the last counts."""
    return json.loads(text, parse_float=Number, parse_int=Number)


def as_written(value: Any) -> Any:
    """Replace numbers by their digits, so that 1.0 and 1.00 differ."""
    match value:
        case Number():
            return ("number", value.text)
        case dict():
            return {name: as_written(member) for name, member in value.items()}
        case list():
            return [as_written(element) for element in value]
        case _:
            return value


_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?)?"
)


def instant(text: str) -> datetime:
    """Read a time, or a date as its midnight; truncate to microseconds, convert to UTC."""
    found = _INSTANT.fullmatch(text)
    assert found, f"not a time: {text!r}"
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in range(1, 7))
    microsecond = int((found[7] or "").ljust(6, "0")[:6])
    offset = found[8] or "Z"
    away = timedelta(0)
    if offset not in "Zz":
        away = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    zone = timezone(-away if offset[0] == "-" else away)
    return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
