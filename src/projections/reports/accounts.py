"""Accounts: of each player, currency and gaming day what was there, what moved, and what was left."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Struct, field

from domain.balance import Balance
from domain.ids import Id
from domain.money import ZERO, plain
from domain.sums import add_sums
from postgres.statements import Statement, Statements
from projections.models.activity import ALL_GAMES
from projections.reading import Amount, Snapshot, select_pairs
from projections.reports.shape import (
    MOST_ROWS,
    Check,
    Content,
    Days,
    add,
    checks,
    days_between,
    minus,
    whole,
)
from projections.rolled_back import Columned


class Sql(Statements):
    """Reading what moved by day, and what that comes to."""

    account_days: Statement
    account_sums: Statement
    balances_of: Statement
    played_by_currency: Statement


SQL = Sql(__file__)
_COLUMNED = Columned((), Balance)


class AccountFilters(Struct, frozen=True):
    """Which accounts, and the gaming days, by their beginnings."""

    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    player_id: Id | None = None
    currency: Id | None = None


class Purse(Struct, frozen=True):
    """What was there of one kind of money, what moved, and what was left: opening + movements = closing.

    closing = opening + deposits - withdrawals - bets + wins + rolled_back. Bets and wins are as they were
    sent; rolled_back is bets that came back less wins that were taken back.
    """

    opening: Amount
    deposits: Amount
    withdrawals: Amount
    bets: Amount
    wins: Amount
    rolled_back: Amount
    closing: Amount


class AccountDay(Struct, frozen=True):
    """An account on a gaming day on which something moved, real and bonus money apart."""

    player_id: str
    currency: str
    day: date
    real: Purse
    bonus: Purse


class AccountSum(Struct, frozen=True):
    """All accounts of the report in one currency."""

    currency: str
    accounts: int
    real: Purse
    bonus: Purse


class _Played(NamedTuple):
    bet_real: Decimal
    bet_bonus: Decimal
    win_real: Decimal
    win_bonus: Decimal


Whose = tuple[str, str]
"""Player and currency."""


def report_accounts(seen: Snapshot, filters: AccountFilters) -> Content:
    """Report what moved by player, currency and gaming day. Raises TooLongError."""
    days = days_between(seen.days, filters.at_or_after, filters.before)
    found = _balances(
        seen,
        SQL.account_days,
        ("player_id", "currency", "period"),
        filters,
        begins_at=days.begins_at,
        ends_at=days.ends_at,
        limit=MOST_ROWS + 1,
    )
    whole(found)
    players = sorted({player_id for (player_id, *_), _ in found})
    opening = _sums(seen, filters, players, None, days.begins_at) if days.begins_at else {}
    rows: list[AccountDay] = []
    moved: dict[str, Balance] = {}
    opened: dict[str, Balance] = {}
    left: dict[Whose, Balance] = {}
    for (player_id, currency, begun_at), balance in found:
        whose = (player_id, currency)
        if whose not in left:
            left[whose] = opening.get(whose, Balance())
            opened[currency] = add_sums(opened.get(currency, Balance()), left[whose])
        real, bonus = _purses(left[whose], balance)
        rows.append(AccountDay(player_id, currency, seen.days.of(begun_at), real, bonus))
        left[whose] = add_sums(left[whose], balance)
        moved[currency] = add_sums(moved.get(currency, Balance()), balance)
    accounts = Counter(currency for _, currency in left)
    totals = [
        AccountSum(currency, accounts[currency], *_purses(opened[currency], balance))
        for currency, balance in sorted(moved.items())
    ]
    reconciled = [
        *_closing(seen, filters, days, left),
        *(_played(seen, filters, days, moved) if filters.player_id is None else ()),
    ]
    return Content(rows, totals, reconciled)


def _sums(
    seen: Snapshot,
    filters: AccountFilters,
    players: Sequence[str],
    begins_at: datetime | None,
    ends_at: datetime | None,
) -> dict[Whose, Balance]:
    """Add up what moved in the accounts of players on the days that begin in between."""
    return dict(
        _balances(
            seen,
            SQL.account_sums,
            ("player_id", "currency"),
            filters,
            players=players,
            begins_at=begins_at,
            ends_at=ends_at,
        )
    )


def _balances(
    seen: Snapshot, statement: Statement, key: tuple[str, ...], filters: Struct, **others: object
) -> list[tuple[Any, Balance]]:
    found = select_pairs(seen, statement, key, _COLUMNED.row, filters, **others)
    return [(whose, _COLUMNED.sums(row)) for whose, row in found]


def _purses(before: Balance, moved: Balance) -> tuple[Purse, Purse]:
    after, back = add_sums(before, moved), moved.rolled_back
    real = Purse(
        plain(before.real),
        plain(moved.deposited),
        plain(moved.withdrawn),
        plain(add(moved.bet_real, back.bet_real)),
        plain(add(moved.win_real, back.win_real)),
        plain(add(back.bet_real, minus(back.win_real))),
        plain(after.real),
    )
    bonus = Purse(
        plain(before.bonus),
        plain(ZERO),
        plain(ZERO),
        plain(add(moved.bet_bonus, back.bet_bonus)),
        plain(add(moved.win_bonus, back.win_bonus)),
        plain(add(back.bet_bonus, minus(back.win_bonus))),
        plain(after.bonus),
    )
    return real, bonus


def _closing(
    seen: Snapshot, filters: AccountFilters, days: Days, left: Mapping[Whose, Balance]
) -> Iterable[Check]:
    """Hold what was left against the balances of now, less what moved since."""
    players = sorted({player_id for player_id, _ in left})
    now = dict(
        _balances(seen, SQL.balances_of, ("player_id", "currency"), filters, players=players)
    )
    since = _sums(seen, filters, players, days.ends_at, None) if days.ends_at else {}
    for kind in ("real", "bonus"):
        expected: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        for whose, closing in left.items():
            later = since.get(whose, Balance())
            balance = add(getattr(now.get(whose, Balance()), kind), minus(getattr(later, kind)))
            expected[whose[1]] = add(expected[whose[1]], balance)
            found[whose[1]] = add(found[whose[1]], getattr(closing, kind))
        what = f"{kind}: opening + movements = closing, as balances have it"
        yield from checks(what, expected, found)


def _played(
    seen: Snapshot, filters: AccountFilters, days: Days, moved: Mapping[str, Balance]
) -> Iterable[Check]:
    """Hold what was bet and won against activity, which counts it by game."""
    played = dict(
        select_pairs(
            seen,
            SQL.played_by_currency,
            "currency",
            _Played,
            filters,
            first_day=days.first,
            end_day=days.end,
            all_games=ALL_GAMES,
        )
    )
    for member in _Played._fields:
        expected = {currency: getattr(each, member) for currency, each in played.items()}
        found = {currency: getattr(each, member) for currency, each in moved.items()}
        yield from checks(f"{member} of accounts = {member} of games", expected, found)
