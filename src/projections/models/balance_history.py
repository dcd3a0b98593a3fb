"""A player's balance in one currency over time: at evenly spaced times, as balances `as_of` these tell it.

A balance is that of the whole days before, of the whole periods of 10 minutes of its day, and of events of
one period. Where that would take too many of them it is told at the ends of periods, or of days.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
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
    days_before: Statement
    periods_of_days: Statement
    positions_of_periods: Statement


SQL = Sql(__file__)

MOST_PERIODS = 2_000
"""Where points are on days that have more of them, they are told at the ends of days."""
MOST_EVENTS = 500
"""Where points are in periods that have more of them, they are told at the ends of periods."""

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

    Without `from` and `to` they are from the first movement to the last one. Where nothing ever moved
    there are no points. Raises as `read_events`.
    """
    return _History(seen, filters).points()


class _History:
    """Reads one history. Times are told by what comes right after them: all that is before that counts."""

    def __init__(self, seen: Snapshot, filters: BalanceHistoryFilters) -> None:
        self._seen = seen
        self._days = seen.days
        self._filters = filters

    def points(self) -> list[BalancePoint]:
        ends = self._ends()
        if ends is None:
            return []
        times = _evenly(*ends, self._filters.points)
        periods = self._periods(times, MOST_PERIODS)
        if len(periods) > MOST_PERIODS:
            times = _moved(times, self._day_end)
            periods = self._periods(times, _ALL)
        positions = self._positions(times, MOST_EVENTS)
        if len(positions) > MOST_EVENTS:
            times = _moved(times, self._period_end)
            positions = self._positions(times, _ALL)
        days = select(self._seen, SQL.days_before, _Net, self._filters, until=times[-1])
        events = self._running(positions)
        return [self._point(time, days, periods, events) for time in times]

    def _ends(self) -> tuple[datetime, datetime] | None:
        """Return the first and the last time, None where there are none."""
        begin, end = self._filters.at_or_after, self._filters.before
        (known,) = select(self._seen, SQL.first_and_last, _Ends, self._filters)
        if known.first is None or known.last is None or end == _FIRST:
            return None
        first = self._moved_in(known.first)[0] if begin is None else begin
        last = self._moved_in(known.last)[-1] if end is None else end - _MOMENT
        if begin is None:
            first = min(first, last)
        elif end is None:
            last = max(first, last)
        return (_after(first), _after(last)) if first <= last else None

    def _moved_in(self, period: datetime) -> list[datetime]:
        """Return when something moved in a period, in order."""
        read = self._read(self._positions_in([period], _ALL))
        return sorted(event.timestamp for event in read) or [period]

    def _point(
        self, time: datetime, days: Sequence[_Net], periods: Sequence[_Net], events: Sequence[_Net]
    ) -> BalancePoint:
        day, period = self._days.begin_of(time), period_of(time, self._days)
        parts = (
            _last(days, day, _FIRST),
            _last(periods, period, day),
            _last(events, time, period),
        )
        real, bonus = ZERO, ZERO
        for part in parts:
            if part is not None:
                real, bonus = EXACT.add(real, part.real), EXACT.add(bonus, part.bonus)
        return BalancePoint(as_datetime(time - _MOMENT), plain(real), plain(bonus))

    def _periods(self, times: Sequence[datetime], limit: int) -> list[_Net]:
        """Read the periods of days within which times are; one beyond `limit` if there are too many."""
        begins = sorted({day for time in times if (day := self._days.begin_of(time)) != time})
        return select(
            self._seen,
            SQL.periods_of_days,
            _Net,
            self._filters,
            begins=begins,
            ends=[self._days.end(self._days.of(day)) for day in begins],
            limit=min(limit + 1, _ALL),
        )

    def _positions(self, times: Sequence[datetime], limit: int) -> list[int]:
        """Find the events of periods within which times are; one beyond `limit` if there are too many."""
        within = {period for time in times if (period := period_of(time, self._days)) != time}
        return self._positions_in(sorted(within), limit)

    def _positions_in(self, periods: Sequence[datetime], limit: int) -> list[int]:
        return select(
            self._seen,
            SQL.positions_of_periods,
            int,
            self._filters,
            periods=periods,
            limit=min(limit + 1, _ALL),
        )

    def _read(self, positions: Sequence[int]) -> list[Movement]:
        """Read what moved, but for what was erased since: the balances are about to be made anew without."""
        moved: list[Movement] = []
        for position, event in read_events(self._seen, positions) if positions else ():
            if is_bare(event):
                continue
            if not isinstance(event, Movement):
                raise TypeError(f"the event at position {position} moves no money")
            moved.append(event)
        return moved

    def _running(self, positions: Sequence[int]) -> list[_Net]:
        """Add up what moved in each period, event by event."""
        running: list[_Net] = []
        period, balance = None, None
        for event in sorted(self._read(positions), key=lambda event: event.timestamp):
            if (of := period_of(event.timestamp, self._days)) != period:
                period, balance = of, None
            balance = fold_balance([event], balance)
            running.append(_Net(event.timestamp, balance.real, balance.bonus))
        return running

    def _day_end(self, time: datetime) -> datetime:
        return time if self._days.begin_of(time) == time else self._days.end(self._days.of(time))

    def _period_end(self, time: datetime) -> datetime:
        period = period_of(time, self._days)
        return time if period == time else period_end(period, self._days)


def _evenly(first: datetime, last: datetime, points: int) -> list[datetime]:
    span = last - first
    return sorted({first + span * number // (points - 1) for number in range(points)})


def _moved(times: Sequence[datetime], to: Callable[[datetime], datetime]) -> list[datetime]:
    """Move the times between the first and the last one to the ends of what they are in."""
    between = {moved for time in times[1:-1] if (moved := to(time)) < times[-1]}
    return sorted({times[0], *between, times[-1]})


def _last(nets: Sequence[_Net], before: datetime, since: datetime) -> _Net | None:
    """Find the last of what began before a moment, unless that is before `since`."""
    found = bisect_left(nets, before, key=lambda net: net.moment) - 1
    return nets[found] if found >= 0 and nets[found].moment >= since else None


def _after(moment: datetime) -> datetime:
    return moment if moment == _LAST else moment + _MOMENT
