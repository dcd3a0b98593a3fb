"""What moved by player, currency and time: balances as of any time of the events, late ones included.

A balance as of a time is the sum of whole gaming days, of whole periods of 10 minutes, and of the events of
one. A period that the beginning of a day would cut is two: no period is of two days.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.balance import Balance, Movement, fold_balance
from domain.events import Event, is_bare
from domain.gaming_day import GamingDays
from domain.sums import add_sums
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_pairs
from postgres.statements import Statement, Statements
from projections.entries import Entries, Scope, group_entries
from projections.reading import Snapshot, read_events
from projections.rolled_back import Columned, Row, net
from projections.upserts import Columns, array, columns, upsert


class Sql(Statements):
    """Adding to periods, and adding them up."""

    add_to_balance_periods: Statement
    add_rolled_back: Statement
    balances_before: Statement
    positions_within: Statement


SQL = Sql(__file__)

_MINUTES = 10
_KEY = ("player_id", "currency", "is_day", "period")
_COLUMNED = Columned(_KEY, Balance)
_COLUMNS = (*_KEY, *_COLUMNED.net, "positions", "last_position")


class Period(NamedTuple):
    """What moved in 10 minutes, and where its events stand in the log, as the text of an array."""

    balance: Balance
    positions: str
    last_position: int


Periods = Mapping[datetime, Period]
"""What moved, by the beginnings of the 10 minutes."""


def fold_periods(moves: Entries[Movement], days: GamingDays) -> Periods:
    """Fold what moved by one player in one currency, by the 10 minutes in which it happened."""
    moments = [event.timestamp for event in moves.events]
    period = period_of(min(moments), days)
    # Mostly it is all within one of them.
    if period_of(max(moments), days) == period:
        periods = {period: moves}
    else:
        periods = group_entries(moves, [period_of(moment, days) for moment in moments])
    return {
        period: Period(fold_balance(held.events), array(ordered), ordered[-1])
        for period, held in periods.items()
        for ordered in [sorted(held.positions)]
    }


class FoldedPeriods(NamedTuple):
    """What moved in periods and days, and what was rolled back in them."""

    moved: Columns
    rolled_back: Columns


def period_columns(
    moved: Mapping[tuple[str, str], Periods], gaming_days: GamingDays
) -> FoldedPeriods:
    """Return the rows of what moved, by player and currency, in its periods and days."""
    sums: list[Row] = []
    places: list[tuple[str, int]] = []
    for whose, periods in moved.items():
        days: dict[datetime, Balance] = {}
        lasts: dict[datetime, int] = {}
        for period, (balance, positions, last) in periods.items():
            sums.append(((*whose, False, period), balance))
            places.append((positions, last))
            day = gaming_days.begin_of(period)
            days[day] = add_sums(days[day], balance) if day in days else balance
            lasts[day] = max(lasts.get(day, 0), last)
        sums += [((*whose, True, day), balance) for day, balance in days.items()]
        places += [("{}", last) for last in lasts.values()]
    rows = [
        (*key, *net(balance), *place) for (key, balance), place in zip(sums, places, strict=True)
    ]
    return FoldedPeriods(columns(rows, _COLUMNS), _COLUMNED.rolled_back_columns(sums))


def write_periods(connection: Connection, scope: Scope, folded: FoldedPeriods) -> None:
    """Add what moved to each player's periods."""
    upsert(connection, SQL.add_to_balance_periods, scope, folded.moved)
    upsert(connection, SQL.add_rolled_back, scope, folded.rolled_back)


def period_of(moment: datetime, days: GamingDays) -> datetime:
    """Return when the period of a moment begins: its 10 minutes, or what its day has of them."""
    return max(_ten_minutes(moment), days.begin_of(moment))


def period_end(period: datetime, days: GamingDays) -> datetime:
    """Return when a period ends that begins at a moment: with its 10 minutes, or with its day."""
    day_end = days.end(days.of(period))
    left = timedelta(minutes=_MINUTES) - (period - _ten_minutes(period))
    return day_end if day_end - period <= left else period + left


def _ten_minutes(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute - moment.minute % _MINUTES, second=0, microsecond=0)


def read_as_of(seen: Snapshot, player_id: str, as_of: datetime) -> dict[str, Balance]:
    """Read a player's balances by currency, of the events that happened at `as_of` or before."""
    period = period_of(as_of, seen.days)
    parameters = {
        **seen.scope._asdict(),
        "player_id": player_id,
        "day": seen.days.begin_of(period),
        "period": period,
    }
    connection = seen.connection
    before = fetch_pairs(
        connection, SQL.balances_before, parameters, "currency", _COLUMNED.row, binary=True
    )
    balances = {currency: _COLUMNED.sums(row) for currency, row in before}
    positions = fetch_all(connection, SQL.positions_within, parameters, int, binary=True)
    moved: dict[str, list[Event]] = {}
    for position, event in read_events(seen, positions):
        if is_bare(event):
            continue  # erased since; the balance is about to be made anew without
        if not isinstance(event, Movement):
            raise TypeError(f"the event at position {position} moves no money")
        if event.timestamp <= as_of:
            moved.setdefault(event.currency, []).append(event)
    for currency, events in moved.items():
        balances[currency] = fold_balance(events, balances.get(currency))
    return balances
