"""`from` and `to` of a query: moments, or dates, which stand for the beginnings of gaming days."""

from datetime import date, datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import fields, replace

from domain.gaming_day import GamingDays

F = TypeVar("F", bound=Struct)

MAY_BE_DAYS = ("from", "to")
"""The parameters that may be dates."""


def dates(filters: Struct) -> dict[str, date]:
    """Return the dates among the filters, by their fields."""
    return {name: value for name, value in _ends(filters).values() if type(value) is date}


def at_moments(filters: F, days: GamingDays) -> F:
    """Put the beginnings of gaming days in the place of their names."""
    return replace(filters, **{name: days.begin(day) for name, day in dates(filters).items()})


def ends_before_it_begins(filters: Struct) -> bool:
    """Return whether `from` is after `to`, both moments where they are given."""
    ends = _ends(filters)
    begin, end = (ends[name][1] if name in ends else None for name in MAY_BE_DAYS)
    return begin is not None and end is not None and begin > end


def _ends(filters: Struct) -> dict[str, tuple[str, date | datetime | None]]:
    """Return the fields of a period and what they hold, by the names that clients know."""
    return {
        field.encode_name: (field.name, getattr(filters, field.name))
        for field in fields(filters)
        if field.encode_name in MAY_BE_DAYS
    }
