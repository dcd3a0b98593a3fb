"""Comparing the service's answers with the model's."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model.shapes import FLOWS, KEYS, MEMBERS, ORDERS
from tests.model.values import Number, Ratio, Row, as_written, instant, read_json

_AMOUNTS = {
    *("real", "bonus", "deposited", "withdrawn", "deposited_eur", "amount", "amount_eur"),
    *("net_real", "net_bonus", "ggr_real", "ggr_bonus", *FLOWS),
    *("theoretical_rtp", "volatility"),
}
_TIMES = {
    *("first_at", "last_at", "timestamp", "registration_date"),
    *("first_seen", "last_seen", "last_login", "ended_at", "rolled_back_at"),
}
_FLAGS = {"mixed_currency", "is_bonus", "is_win", "is_blocked", "consent_email"}
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MOST_DIFFERENCES = 20


def normalise(kind: str, answer: Any) -> list[Row]:
    """Turn an answer into rows as the model has them, in the order answered.

    Amounts become Decimal and times datetime, members beyond the contract's are left out, facets become a
    row for each value. `answer` is the JSON text of an answer, or what `read_json` read from one: a page,
    one row, or a list of rows; or a model's own. Raises AssertionError where an amount is not a string in
    plain decimal notation or a time does not end in Z.
    """
    if isinstance(answer, str | bytes):
        answer = read_json(answer)
    if kind == "facets":
        answer = [
            {"facet": facet, **row}
            for facet, rows in sorted(answer.items())
            for row in sorted(rows, key=lambda row: str(row["value"]))
        ]
    elif isinstance(answer, dict):
        answer = answer.get("items", [answer])
    return [_row(kind, row) for row in answer]


def assert_same(kind: str, answer: Any, expected: Any) -> None:
    """Fail unless an answer equals the model's, naming each row and member that differs.

    `kind` is the name of a query of the model. The bets and wins of rounds may be left out of the answer,
    and rows that are equal in the contract's order may stand in any.
    """
    found, wanted = normalise(kind, answer), normalise(kind, expected)
    if kind == "rounds" and not any("bets" in row for row in found):
        wanted = [_without(row, "bets", "wins") for row in wanted]
    differences = _differences(_keyed(kind, found), _keyed(kind, wanted))
    if not differences and len(found) != len(wanted):
        differences.append(f"{len(found)} rows, of which some are repeated")
    if not differences and found != sorted(found, key=ORDERS[kind]):
        differences.append("the rows are the same, the order is not")
    if differences:
        shown = differences[:_MOST_DIFFERENCES]
        shown += [f"… {len(differences)} differences in all"] * (len(differences) > len(shown))
        raise AssertionError(f"{kind}, found and expected:\n" + "\n".join(shown))


def _row(kind: str, row: Row) -> Row:
    kept = {name: _value(name, row[name]) for name in MEMBERS[kind] if name in row}
    if kind == "history":
        kept["data"] = as_written(row["data"])
    if "sums" in kept:
        kept["sums"] = sorted(kept["sums"], key=lambda sums: str(sums["currency"]))
    return kept


def _value(name: str, value: Any) -> Any:
    match value:
        case _ if name == "data":  # a client's own
            return value
        case dict():
            return {member: _value(member, inner) for member, inner in value.items()}
        case list():
            return [_value(name, element) for element in value]
        case str() | Number() if name in _READERS:
            return _READERS[name](name, value)
        case Number():
            return int(value.text)
        case _:
            return value


def _amount(name: str, value: str | Number) -> Decimal:
    assert isinstance(value, str), f"{name} is a number, not a string: {value}"
    assert _PLAIN.fullmatch(value), f"{name} is not in plain decimal notation: {value!r}"
    return Decimal(value)


def _time(name: str, value: str | Number) -> datetime:
    assert isinstance(value, str), f"{name} is a number, not a time: {value}"
    assert value.endswith("Z"), f"{name} is not in UTC with Z: {value!r}"
    return instant(value)


def _ratio(_name: str, value: str | Number) -> Ratio:
    return Ratio(Fraction(str(value)))


def _flag(name: str, value: str | Number) -> Any:
    raise AssertionError(f"{name} is not a boolean: {value!r}")  # though in Python 1 equals True


_READERS: dict[str, Callable[[str, str | Number], Any]] = {
    **dict.fromkeys(_AMOUNTS, _amount),
    **dict.fromkeys(_TIMES, _time),
    **dict.fromkeys(_FLAGS, _flag),
    "rtp": _ratio,
}


def _keyed(kind: str, rows: list[Row]) -> dict[str, Row]:
    keys = KEYS[kind]
    return {
        " ".join(f"{key}={row[key]!r}" for key in keys if key in row) or f"number {number}": row
        for number, row in enumerate(rows, start=1)
    }


def _without(row: Row, *members: str) -> Row:
    return {member: value for member, value in row.items() if member not in members}


def _differences(found: dict[str, Row], wanted: dict[str, Row]) -> list[str]:
    lines = [f"missing: {key}: {wanted[key]}" for key in wanted if key not in found]
    lines += [f"unexpected: {key}: {found[key]}" for key in found if key not in wanted]
    for key in (key for key in wanted if key in found):
        one, other = found[key], wanted[key]
        lines += [
            f"{key}: {member}: {one.get(member, 'absent')!r} != {other.get(member, 'absent')!r}"
            for member in {**other, **one}
            if one.get(member, ...) != other.get(member, ...)
        ]
    return lines
