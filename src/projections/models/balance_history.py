"""A player's balance in one currency over time: at evenly spaced times, as balances `as_of` these tell it.

A balance is that of the whole days before, of the whole periods of 10 minutes of its day, and of events of
one period. Where that would take too many of them it is told at the ends of periods, or of days: what is
read is bounded, however much moved and however close together.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field

from domain.balance import Movement, fold_balance
from domain.events import is_bare
from domain.ids import Id
from domain.instant import as_datetime
from domain.money import EXACT, ZERO, plain
from postgres.statements import Statement, Statements
from projections.models.balance_periods import period_end, period_of
from projections.reading import Amount, Snapshot, read_events, select


class Sql(Statements):
    """Adding up what moved, up to many times at once."""

    first_and_last: Statement
    days_until: Statement
    periods_of_days: Statement
    positions_of_periods: Statement


SQL = Sql(__file__)

MOST_PERIODS = 2_000
"""Where points are on days that have more of them, they are told at the ends of days."""
MOST_EVENTS = 500
"""Where points are in periods that have more of them, they are told at the ends of periods.

The first and the last point are so only where the one period that they are in has more of them.
"""

_ALL = 2**31 - 1
_MOMENT = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

Points = Annotated[int, Meta(ge=2, le=500)]


class BalanceHistoryFilters(Struct, frozen=True):
    """Whose balance, from when until when, and at how many times at most."""

    player_id: Id
    currency: Id
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    points: Points = 100


class BalancePoint(Struct, frozen=True):
    """A balance by all events that happened at a time or before it."""

    at: datetime
    real: Amount
    bonus: Amount


class BalanceHistory(Struct, frozen=True):
    """The balance of a player in a currency, in order of time."""

    player_id: str
    currency: str
    points: list[BalancePoint]


class _Net(NamedTuple):
    """What all came to that happened up to the end of what began at a moment, since some earlier one."""

    moment: datetime
    real: Decimal
    bonus: Decimal


class _Ends(NamedTuple):
    first: datetime | None
    last: datetime | None


def read_balance_history(seen: Snapshot, filters: BalanceHistoryFilters) -> list[BalancePoint]:
    """Read the balance at evenly spaced times, the first and the last one included.

    Without `from` and `to` they are from the first movement to the last one. Where nothing ever moved there
    are no points, nor where there is no time between `from` and `to` at which it can be told. Raises as
    `read_events`.
    """
    return _History(seen, filters).points()


class _History:
    """Reads one history. What moved in a period of 10 minutes is read once, and only where that is little."""

    def __init__(self, seen: Snapshot, filters: BalanceHistoryFilters) -> None:
        self._seen = seen
        self._days = seen.days
        self._filters = filters
        self._moved: list[Movement] = []
        self._read: set[datetime] = set()
        self._too_many: set[datetime] = set()

    def points(self) -> list[BalancePoint]:
        ends = self._ends()
        if ends is None:
            return []
        times = _evenly(*ends, self._filters.points)
        periods = self._periods(times, MOST_PERIODS)
        if len(periods) > MOST_PERIODS:
            times = _moved(times, self._day_end)
            periods = self._periods(times, _ALL)
        if not self._reads(times):
            times = _moved(times, self._period_end)
            times = sorted({edge for time in times if (edge := self._told_at(time)) is not None})
        if not times:
            return []
        days = select(self._seen, SQL.days_until, _Net, self._filters, until=times[-1])
        events = self._running()
        return [self._point(time, days, periods, events) for time in times]

    def _ends(self) -> tuple[datetime, datetime] | None:
        """Return the first and the last time, None where there are none."""
        begin, end = self._filters.at_or_after, self._filters.before
        (known,) = select(self._seen, SQL.first_and_last, _Ends, self._filters)
        if known.first is None or known.last is None or end == _FIRST:
            return None
        first = self._movements(known.first)[0] if begin is None else begin
        last = self._movements(known.last)[-1] if end is None else end - _MOMENT
        if begin is None:
            first = min(first, last)
        elif end is None:
            last = max(first, last)
        return (first, last) if first <= last else None

    def _movements(self, period: datetime) -> list[datetime]:
        """Return when something moved in a period, in order; its end alone where that is too much to read."""
        if not self._reads([period]):
            return [self._period_end(period)]
        moments = sorted(event.timestamp for event in self._moved)
        return [each for each in moments if period_of(each, self._days) == period] or [period]

    def _told_at(self, time: datetime) -> datetime | None:
        """Return a time if what moved up to it can be read, else the end of its period, or of what is before.

        None where neither is among the times that were asked for.
        """
        if self._reads([time]):
            return time
        begin, end = self._filters.at_or_after or _FIRST, self._filters.before
        period, period_end = period_of(time, self._days), self._period_end(time)
        if end is None or period_end < end:
            return period_end
        return period - _MOMENT if period > begin else None

    def _point(
        self, time: datetime, days: Sequence[_Net], periods: Sequence[_Net], events: Sequence[_Net]
    ) -> BalancePoint:
        day, period = self._days.begin_of(time), period_of(time, self._days)
        if time == self._day_end(time):
            parts = [_last(days, time, _FIRST)]
        elif time == self._period_end(time):
            parts = [_last(days, day, _FIRST, inclusive=False), _last(periods, time, day)]
        else:
            parts = [
                _last(days, day, _FIRST, inclusive=False),
                _last(periods, period, day, inclusive=False),
                _last(events, time, period),
            ]
        real, bonus = ZERO, ZERO
        for part in parts:
            if part is not None:
                real, bonus = EXACT.add(real, part.real), EXACT.add(bonus, part.bonus)
        return BalancePoint(as_datetime(time), plain(real), plain(bonus))

    def _periods(self, times: Sequence[datetime], limit: int) -> list[_Net]:
        """Read the periods of days within which times are; one beyond `limit` if there are too many."""
        begins = sorted({self._days.begin_of(t) for t in times if t != self._day_end(t)})
        return select(
            self._seen,
            SQL.periods_of_days,
            _Net,
            self._filters,
            begins=begins,
            ends=[self._days.end(self._days.of(day)) for day in begins],
            limit=min(limit + 1, _ALL),
        )

    def _reads(self, times: Sequence[datetime]) -> bool:
        """Read what moved in the periods within which times are; tell whether it is little enough."""
        within = {period_of(t, self._days) for t in times if t != self._period_end(t)}
        unread = within - self._read
        if not self._too_many.isdisjoint(unread):
            return False
        positions = self._positions(sorted(unread), MOST_EVENTS + 1) if unread else []
        if len(positions) > MOST_EVENTS:
            if len(unread) == 1:
                self._too_many |= unread
            return False
        self._read |= unread
        self._moved += self._events(positions)
        return True

    def _positions(self, periods: Sequence[datetime], limit: int) -> list[int]:
        parameters = {"periods": periods, "limit": limit}
        return select(self._seen, SQL.positions_of_periods, int, self._filters, **parameters)

    def _events(self, positions: Sequence[int]) -> list[Movement]:
        """Read what moved, but for what was erased since: the balances are about to be made anew without."""
        moved: list[Movement] = []
        for position, event in read_events(self._seen, positions) if positions else ():
            if is_bare(event):
                continue
            if not isinstance(event, Movement):
                raise TypeError(f"the event at position {position} moves no money")
            moved.append(event)
        return moved

    def _running(self) -> list[_Net]:
        """Add up what moved in each period, event by event."""
        running: list[_Net] = []
        period, balance = None, None
        for event in sorted(self._moved, key=lambda event: event.timestamp):
            if (of := period_of(event.timestamp, self._days)) != period:
                period, balance = of, None
            balance = fold_balance([event], balance)
            running.append(_Net(event.timestamp, balance.real, balance.bonus))
        return running

    def _day_end(self, time: datetime) -> datetime:
        """Return the last moment of the day of a time."""
        day = self._days.of(time)
        return _LAST if day == date.max else self._days.end(day) - _MOMENT

    def _period_end(self, time: datetime) -> datetime:
        """Return the last moment of the period of a time."""
        end = period_end(period_of(time, self._days), self._days)
        return min(self._day_end(time), end) if end == _LAST else end - _MOMENT


def _evenly(first: datetime, last: datetime, points: int) -> list[datetime]:
    # A timedelta has no room for the span of all years times a number of points.
    span_us = (last - first) // _MOMENT
    return sorted({first + span_us * number // (points - 1) * _MOMENT for number in range(points)})


def _moved(times: Sequence[datetime], to: Callable[[datetime], datetime]) -> list[datetime]:
    """Move the times between the first and the last one to the ends of what they are in."""
    between = {moved for time in times[1:-1] if (moved := to(time)) < times[-1]}
    return sorted({times[0], *between, times[-1]})


def _last(
    nets: Sequence[_Net], until: datetime, since: datetime, *, inclusive: bool = True
) -> _Net | None:
    """Find the last of what began until a moment, or before it, unless that is before `since`."""
    bisect = bisect_right if inclusive else bisect_left
    found = bisect(nets, until, key=lambda net: net.moment) - 1
    return nets[found] if found >= 0 and nets[found].moment >= since else None
