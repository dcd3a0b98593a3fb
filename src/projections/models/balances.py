"""Balances: what moved, by player and currency."""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

from domain.balance import Balance, Movement
from domain.ids import Id, Position
from domain.money import plain
from domain.sums import add_sums
from postgres.connections import Connection
from postgres.statements import Statement, Statements
from projections.entries import Entries, Scope, Stretch, group_entries
from projections.models import balance_periods
from projections.reading import Amount, Rows, Snapshot, rows, select_pairs
from projections.rolled_back import Columned, RolledBackView, rolled_back_view
from projections.upserts import Columns, upsert

VERSION = 2
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["balances", "balance_periods"]


class Sql(Statements):
    """Adding to balances, and reading them."""

    add_to_balances: Statement
    add_rolled_back: Statement
    find_balances: Statement


SQL = Sql(__file__)
_KEY = ("player_id", "currency")
_WHOSE = attrgetter(*_KEY)
_COLUMNED = Columned(_KEY, Balance)


class Folded(NamedTuple):
    """What moved, by player and currency: in all, and by the time at which it moved."""

    totals: Columns
    rolled_back: Columns
    periods: balance_periods.FoldedPeriods


def fold(stretch: Stretch) -> Folded:
    """Fold what a stretch of the log moved."""
    moves = Entries[Movement]([*stretch.played.positions], [*stretch.played.events])
    for position, event in zip(*stretch.others, strict=True):
        if isinstance(event, Movement):
            moves.add(position, event)
    moved = {
        whose: balance_periods.fold_periods(each, stretch.days)
        for whose, each in group_entries(moves, map(_WHOSE, moves.events)).items()
    }
    totals = [
        (whose, reduce(add_sums, [period.balance for period in periods.values()]))
        for whose, periods in moved.items()
    ]
    return Folded(
        _COLUMNED.net_columns(totals),
        _COLUMNED.rolled_back_columns(totals),
        balance_periods.period_columns(moved, stretch.days),
    )


def write(connection: Connection, scope: Scope, folded: Folded) -> None:
    """Add what moved to the balances, those of today and those of the past."""
    upsert(connection, SQL.add_to_balances, scope, folded.totals)
    upsert(connection, SQL.add_rolled_back, scope, folded.rolled_back)
    balance_periods.write_periods(connection, scope, folded.periods)


class BalanceFilters(Struct, frozen=True):
    """Which balances, and as of when: a time of the events, or a position of the log; both inclusive.

    Only a player's balances are known as they were in the past.
    """

    player_id: Id | None = None
    currency: Id | None = None
    as_of: datetime | None = None
    at_position: Position | None = None


class BalanceCounts(Struct, frozen=True):
    """How many movements a balance is made of; what was rolled back is among them."""

    deposits: int
    withdrawals: int
    bets: int
    wins: int


class BalanceView(Struct, frozen=True):
    """The net flows of a player in one currency; they may be negative.

    real = deposited - withdrawn - bet_real + win_real, bonus = win_bonus - bet_bonus. What was bet and won is
    without what was `rolled_back`.
    """

    player_id: str
    currency: str
    real: Amount
    bonus: Amount
    deposited: Amount
    withdrawn: Amount
    bet_real: Amount
    bet_bonus: Amount
    win_real: Amount
    win_bonus: Amount
    deposited_eur: Amount
    counts: BalanceCounts
    rolled_back: RolledBackView


BalancePlace = tuple[Id, Id]
"""Player and currency: the order of balances."""


def find_balances(
    seen: Snapshot, filters: BalanceFilters, after: BalancePlace | None, limit: int
) -> Rows[BalanceView, BalancePlace]:
    """List balances by player and currency."""
    after_player, after_currency = after or (None, None)
    found = select_pairs(
        seen,
        SQL.find_balances,
        _KEY,
        _COLUMNED.row,
        filters,
        after_player=after_player,
        after_currency=after_currency,
        limit=limit + 1,
    )
    views = [
        _view(player_id, currency, _COLUMNED.sums(row)) for (player_id, currency), row in found
    ]
    return rows(views, limit, lambda view: (view.player_id, view.currency))


def find_balances_as_of(
    seen: Snapshot, filters: BalanceFilters, after: BalancePlace | None, limit: int
) -> Rows[BalanceView, BalancePlace]:
    """List the balances of the player in `filters` by currency, as of the time there."""
    if filters.player_id is None or filters.as_of is None:
        raise ValueError("whose balances, and as of when?")
    found = balance_periods.read_as_of(seen, filters.player_id, filters.as_of)
    return list_balances(found, filters, after, limit)


def list_balances(
    balances: Mapping[str, Balance],
    filters: BalanceFilters,
    after: BalancePlace | None,
    limit: int,
) -> Rows[BalanceView, BalancePlace]:
    """List balances, given by currency, of the player in `filters`, as `find_balances` does."""
    if filters.player_id is None:
        raise ValueError("whose balances?")
    player_id = filters.player_id
    views = [
        _view(player_id, currency, balance)
        for currency, balance in sorted(balances.items())
        if filters.currency in {None, currency} and (after is None or (player_id, currency) > after)
    ]
    return rows(views, limit, lambda view: (view.player_id, view.currency))


def _view(player_id: str, currency: str, balance: Balance) -> BalanceView:
    return BalanceView(
        player_id=player_id,
        currency=currency,
        real=plain(balance.real),
        bonus=plain(balance.bonus),
        deposited=plain(balance.deposited),
        withdrawn=plain(balance.withdrawn),
        bet_real=plain(balance.bet_real),
        bet_bonus=plain(balance.bet_bonus),
        win_real=plain(balance.win_real),
        win_bonus=plain(balance.win_bonus),
        deposited_eur=plain(balance.deposited_eur),
        counts=BalanceCounts(balance.deposits, balance.withdrawals, balance.bets, balance.wins),
        rolled_back=rolled_back_view(balance.rolled_back),
    )
