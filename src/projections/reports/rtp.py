"""Return to player by game and currency: the actual one, the theoretical one, and how far they are apart."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, field

from domain.activity import Activity
from domain.chance import FLAGGED_BEYOND, Expectation
from domain.ids import Id
from domain.money import plain
from postgres.statements import Statement, Statements
from projections.models.activity import ALL_GAMES
from projections.reading import Amount, Snapshot, select_pairs
from projections.reports.shape import MOST_ROWS, Content, add, days_between, whole
from projections.rolled_back import Columned


class Sql(Statements):
    """Adding up activity by game."""

    rtp: Statement


SQL = Sql(__file__)
_COLUMNED = Columned((), Activity)


class RtpFilters(Struct, frozen=True):
    """Which games, and the gaming days, by their beginnings. `beyond` leaves out what is nearer than that."""

    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    provider: Id | None = None
    beyond: Decimal | None = None


class RtpRow(Struct, frozen=True):
    """A game in one currency, net of what was rolled back, but for `rounds` and `bets`, which were sent.

    `rtp` is wins by bets; `deviation` is (rtp - theoretical_rtp) in standard errors, of which one is
    volatility by the root of the number of bets that were not rolled back: as if all were equal. Null where
    the game does not say what is expected.
    """

    game_id: str
    provider: str | None
    currency: str
    rounds: int
    bets: int
    bet: Amount
    win: Amount
    rtp: Amount | None
    theoretical_rtp: Amount | None
    volatility: Amount | None
    deviation: Amount | None
    flagged: bool


class _Game(NamedTuple):
    game_id: str
    currency: str
    provider: str | None
    theoretical_rtp: Decimal | None
    volatility: Decimal | None


def report_rtp(seen: Snapshot, filters: RtpFilters) -> Content:
    """Report returns to player. Raises TooLongError."""
    days = days_between(seen.days, filters.at_or_after, filters.before)
    found = select_pairs(
        seen,
        SQL.rtp,
        _Game._fields,
        _COLUMNED.row,
        filters,
        first_day=days.first,
        end_day=days.end,
        all_games=ALL_GAMES,
        limit=MOST_ROWS + 1,
    )
    whole(found)
    rows = [_row(_Game(*game), _COLUMNED.sums(row)) for game, row in found]
    if filters.beyond is not None:
        rows = [
            row for row in rows if row.deviation and abs(Decimal(row.deviation)) > filters.beyond
        ]
    return Content(rows, [], [])


def _row(game: _Game, activity: Activity) -> RtpRow:
    deviation = _deviation(game, activity)
    return RtpRow(
        game.game_id,
        game.provider,
        game.currency,
        activity.rounds,
        activity.bets,
        plain(add(activity.bet_real, activity.bet_bonus)),
        plain(add(activity.win_real, activity.win_bonus)),
        _plain(activity.rtp),
        _plain(game.theoretical_rtp),
        _plain(game.volatility),
        _plain(deviation),
        deviation is not None and abs(deviation) > FLAGGED_BEYOND,
    )


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _deviation(game: _Game, activity: Activity) -> Decimal | None:
    if game.theoretical_rtp is None or game.volatility is None:
        return None
    return Expectation(game.theoretical_rtp, game.volatility).deviation(
        add(activity.bet_real, activity.bet_bonus),
        add(activity.win_real, activity.win_bonus),
        activity.bets - activity.rolled_back.bets,
    )
