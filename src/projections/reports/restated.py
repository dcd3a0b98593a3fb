"""Restated: gaming days whose figures changed after they ended, as known then and now, and why."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct, field

from domain.balance import Balance, Movement, fold_balance
from domain.money import EXACT, plain
from postgres.statements import Statement, Statements
from projections.reading import Amount, Snapshot, select, select_pairs
from projections.reports.late import Late, last_position_by, late_events
from projections.reports.shape import Content, NotEndedError, add, days_between, whole
from projections.rolled_back import Columned


class Sql(Statements):
    """Adding up days."""

    begun_days: Statement
    day_sums: Statement


SQL = Sql(__file__)
_COLUMNED = Columned((), Balance)

_MOST_EVENTS = 100


class RestatedFilters(Struct, frozen=True):
    """Which gaming days, by their beginnings; `known_at` is the day at whose end they are taken as known."""

    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    known_at: date | None = None


class Figures(Struct, frozen=True):
    """What moved on a day, real and bonus money together, net of what was rolled back."""

    deposits: Amount
    withdrawals: Amount
    bets: Amount
    wins: Amount
    ggr: Amount


class RestatedDay(Struct, frozen=True):
    """A day in one currency, whose figures changed since.

    `known` is what was recorded by the end of the day `known_at`; known + changed = now. It was changed by
    `late` events, of which the first ones are named by their unique_ids.
    """

    day: date
    known_at: date
    currency: str
    known: Figures
    now: Figures
    changed: Figures
    late: int
    events: list[str]


def report_restated(seen: Snapshot, filters: RestatedFilters, now: datetime) -> Content:
    """Report the days that changed after they had ended. Raises TooLongError, NotEndedError."""
    if filters.known_at is not None and seen.days.end(filters.known_at) > now:
        raise NotEndedError(filters.known_at)
    rows: list[RestatedDay] = []
    known = 0
    for begin in begun_days(seen, filters.at_or_after, filters.before):
        day = seen.days.of(begin)
        known_at = max(day, filters.known_at or day)
        if seen.days.end(known_at) > now:
            break
        known = last_position_by(seen, seen.days.end(known_at), known)
        added = _added(late_events(seen, begin, seen.days.end(day), known))
        if added:
            rows += _changed(seen, begin, known_at, added)
            whole(rows)
    return Content(rows, [], [])


def begun_days(
    seen: Snapshot, at_or_after: datetime | None, before: datetime | None
) -> list[datetime]:
    """List when the gaming days began on which anything moved, the first one first."""
    days = days_between(seen.days, at_or_after, before)
    return select(seen, SQL.begun_days, datetime, begins_at=days.begins_at, ends_at=days.ends_at)


class _Added:
    """What came late in one currency."""

    def __init__(self) -> None:
        self.sums = Balance()
        self.events = 0
        self.first: list[str] = []

    def add(self, event: Movement) -> None:
        self.sums = fold_balance([event], self.sums)
        self.events += 1
        if self.events <= _MOST_EVENTS:
            self.first.append(event.unique_id)


def _added(late: Iterable[Late]) -> dict[str, _Added]:
    """Add up what came late by currency, without keeping it."""
    added: defaultdict[str, _Added] = defaultdict(_Added)
    for _, event in late:
        added[event.currency].add(event)
    return added


def _changed(
    seen: Snapshot, begin: datetime, known_at: date, by_currency: Mapping[str, _Added]
) -> Iterator[RestatedDay]:
    sums = {
        currency: _COLUMNED.sums(row)
        for currency, row in select_pairs(
            seen, SQL.day_sums, "currency", _COLUMNED.row, period=begin
        )
    }
    for currency, added in sorted(by_currency.items()):
        changed, now = _figures(added.sums), _figures(sums[currency])
        known = [EXACT.subtract(one, other) for one, other in zip(now, changed, strict=True)]
        yield RestatedDay(
            seen.days.of(begin),
            known_at,
            currency,
            Figures(*map(plain, known)),
            Figures(*map(plain, now)),
            Figures(*map(plain, changed)),
            added.events,
            added.first,
        )


def _figures(moved: Balance) -> list[Decimal]:
    bets, wins = add(moved.bet_real, moved.bet_bonus), add(moved.win_real, moved.win_bonus)
    return [moved.deposited, moved.withdrawn, bets, wins, EXACT.subtract(bets, wins)]
