"""JSON values compared as values: numbers by exact value, strings by code points, members in any order."""

import json
from typing import Any, NoReturn

import msgspec

from domain.money import number_value


class Digits(str):
    """A number of any size or precision, as the digits it was written with."""

    __slots__ = ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def loads(text: bytes | str) -> Any:
    """Read JSON without losing a digit: numbers as `Digits`, of a repeated member the last.

    For texts that were checked to be JSON before (this reader is not the strictest). Raises ValueError.
    """
    return json.loads(text, parse_float=Digits, parse_int=Digits, parse_constant=_refuse)


def canonical(text: bytes) -> bytes:
    """Write a JSON text in the one form that all texts of the same value share."""
    return msgspec.json.encode(_canonical(loads(text)), order="deterministic")


def same_value(one: bytes, other: bytes) -> bool:
    """Tell whether two JSON texts hold the same value."""
    return one == other or canonical(one) == canonical(other)


def _canonical(value: Any) -> Any:
    match value:
        case Digits():
            negative, significant, exponent = number_value(value)
            return msgspec.Raw(f"{'-' if negative else ''}{significant or '0'}e{exponent}".encode())
        case dict():
            return {name: _canonical(member) for name, member in value.items()}
        case list():
            return [_canonical(element) for element in value]
        case _:
            return value
