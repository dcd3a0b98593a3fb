"""What all reports are made of: rows, sums by currency, and checks that they add up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from typing import Any, NamedTuple

from msgspec import Struct

from domain.gaming_day import GamingDays
from domain.money import EXACT, ZERO, plain
from projections.reading import Amount

MOST_ROWS = 10_000
"""How many rows a report has at most: it is given whole, as it is of one position, or not at all."""

MOST_READ = 100_000
"""How many events are read at most for what a report tells of one day, player or kind."""


class TooLongError(Exception):
    """A report would have more rows than MOST_ROWS, or be made of more events than MOST_READ."""


class NotEndedError(Exception):
    """What was known at the end of a gaming day is asked for, and it has not ended."""


class Check(Struct, frozen=True):
    """Two ways to the same sum, in one currency. `difference` is found minus expected: 0 if all is well."""

    what: str
    currency: str
    expected: Amount
    found: Amount
    difference: Amount


class Content(NamedTuple):
    """What a report says: its rows, their sums by currency, and how they were reconciled."""

    rows: Sequence[Struct]
    totals: Sequence[Struct]
    checks: Sequence[Check]


class Days(NamedTuple):
    """The gaming days of a report: the first one, and the one after the last. None where it has no end."""

    first: date | None
    end: date | None
    begins_at: datetime | None
    ends_at: datetime | None


def days_between(days: GamingDays, at_or_after: datetime | None, before: datetime | None) -> Days:
    """Find the gaming days that begin at a time or later, and before another."""
    first, end = (
        None if moment is None else days.first_from(moment) for moment in (at_or_after, before)
    )
    return Days(
        first,
        end,
        None if first is None else days.begin(first),
        None if end is None else days.begin(end),
    )


def whole(found: Sequence[Any]) -> None:
    """Raise TooLongError for more rows than a report may have."""
    if len(found) > MOST_ROWS:
        raise TooLongError


def readable(positions: Sequence[Any]) -> None:
    """Raise TooLongError for more events than may be read: what becomes rows of them is not known yet."""
    if len(positions) > MOST_READ:
        raise TooLongError


def add(*amounts: Decimal) -> Decimal:
    """Add exactly."""
    return reduce(EXACT.add, amounts, ZERO)


def minus(amount: Decimal) -> Decimal:
    """Negate exactly."""
    return amount.copy_negate()


def checks(
    what: str, expected: Mapping[str, Decimal], found: Mapping[str, Decimal]
) -> Iterable[Check]:
    """Hold sums by currency against each other."""
    for currency in sorted({*expected, *found}):
        one, other = expected.get(currency, ZERO), found.get(currency, ZERO)
        difference = EXACT.subtract(other, one)
        yield Check(what, currency, plain(one), plain(other), plain(difference))
