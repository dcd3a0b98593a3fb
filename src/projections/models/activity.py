"""Activity: what was played, by gaming day, game and currency."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType, field

from domain.activity import Activity, fold_activity
from domain.ids import Id
from domain.money import plain
from domain.sums import add_sums
from postgres.connections import Connection
from postgres.statements import Statement, Statements
from projections.entries import Scope, Stretch, group_by
from projections.reading import Amount, Rows, Snapshot, rows, select_pairs
from projections.rolled_back import Columned, RolledBackView, rolled_back_view
from projections.upserts import Columns, upsert


class Sql(Statements):
    """Adding to activity, and adding it up."""

    add_to_activity: Statement
    add_rolled_back: Statement
    find_activity: Statement
    add_up_games: Statement


SQL = Sql(__file__)

VERSION = 2
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["activity"]


Cell = tuple[date, str, str]
"""Where activity is counted: gaming day, game and currency."""

ALL_GAMES = ""
"""Stands for the game in what all games of a day come to in a currency; no game has this id."""

_COLUMNED = Columned(("day", "game_id", "currency"), Activity)


class Folded(NamedTuple):
    """What was played in each cell, those of all games among them, and what was rolled back."""

    played: Columns
    rolled_back: Columns


def fold(stretch: Stretch) -> Folded:
    """Add up the bets and wins of a stretch of the log; its rounds are counted by `rounds.write`."""
    events, day_of = stretch.played.events, stretch.days.of
    cells = [(day_of(event.timestamp), event.game_id, event.currency) for event in events]
    played = group_by(events, cells)
    return _folded({cell: fold_activity(each) for cell, each in played.items()})


def count_rounds(connection: Connection, scope: Scope, counted: Mapping[Cell, int]) -> None:
    """Add rounds, each in the cells in which it was played for the first time."""
    cells = {cell: Activity(rounds=rounds) for cell, rounds in counted.items()}
    write(connection, scope, _folded(cells))


def write(connection: Connection, scope: Scope, folded: Folded) -> None:
    """Add what was played to each cell."""
    upsert(connection, SQL.add_to_activity, scope, folded.played)
    upsert(connection, SQL.add_rolled_back, scope, folded.rolled_back)


def _folded(cells: Mapping[Cell, Activity]) -> Folded:
    """Return the rows of cells, and of what all games come to."""
    totals: dict[Cell, Activity] = {}
    for (day, _, currency), activity in cells.items():
        whole = (day, ALL_GAMES, currency)
        totals[whole] = add_sums(totals[whole], activity) if whole in totals else activity
    all_cells = [*cells.items(), *totals.items()]
    return Folded(_COLUMNED.net_columns(all_cells), _COLUMNED.rolled_back_columns(all_cells))


Group = Literal["day", "game", "currency"]
ALL_GROUPS: tuple[Group, ...] = ("day", "game", "currency")


class ActivityFilters(Struct, frozen=True):
    """Which activity, and what it is added up by.

    The times are about the beginning of a day. Amounts of several currencies are never added: without
    `currency` in `group_by` there must be a currency.
    """

    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    game_id: Id | None = None
    currency: Id | None = None
    group_by: tuple[Group, ...] = ALL_GROUPS

    @property
    def adds_currencies(self) -> bool:
        """Whether amounts of several currencies would be added."""
        return self.currency is None and "currency" not in self.group_by


class ActivityView(Struct, frozen=True, kw_only=True):
    """What was played. `day`, `game_id` and `currency` are there where they are grouped by.

    Sums are net of rollbacks, which count on their own day, so that a day's may be negative; counts are of
    what was sent. ggr is bets minus wins. rtp is wins by bets, real and bonus money together, rounded to 6
    decimal places, half to even; null where nothing was bet.
    """

    day: date | UnsetType = UNSET
    game_id: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    rounds: int
    bets: int
    wins: int
    bet_real: Amount
    bet_bonus: Amount
    win_real: Amount
    win_bonus: Amount
    ggr_real: Amount
    ggr_bonus: Amount
    rtp: Amount | None
    rolled_back: RolledBackView


ActivityPlace = tuple[date, Id, Id]
"""Day, game and currency: the order of activity. What is not grouped by stands as a constant."""

_NO_DAY = date.min
_NO_TEXT = "-"


def find_activity(
    seen: Snapshot, filters: ActivityFilters, after: ActivityPlace | None, limit: int
) -> Rows[ActivityView, ActivityPlace]:
    """List activity by day, game and currency, as far as it is grouped by them."""
    after_day, after_game, after_currency = after or (None, None, None)
    first_day, end_day = (
        None if moment is None else seen.days.first_from(moment)
        for moment in (filters.at_or_after, filters.before)
    )
    by_day, by_game, by_currency = (group in filters.group_by for group in ALL_GROUPS)
    found = select_pairs(
        seen,
        SQL.add_up_games if by_game and not by_day else SQL.find_activity,
        ("grouped_day", "grouped_game", "grouped_currency"),
        _COLUMNED.row,
        filters,
        by_day=by_day,
        by_game=by_game,
        by_currency=by_currency,
        no_day=_NO_DAY,
        no_text=_NO_TEXT,
        all_games=ALL_GAMES,
        after_day=after_day,
        after_game=after_game,
        after_currency=after_currency,
        first_day=first_day,
        end_day=end_day,
        limit=limit + 1,
    )
    page = rows(found, limit, lambda row: row[0])
    views = [_view(place, _COLUMNED.sums(row), filters.group_by) for place, row in page.items]
    return Rows(views, page.last_place)


def _view(place: ActivityPlace, activity: Activity, grouped: Sequence[Group]) -> ActivityView:
    day, game_id, currency = place
    rtp = activity.rtp
    return ActivityView(
        day=day if "day" in grouped else UNSET,
        game_id=game_id if "game" in grouped else UNSET,
        currency=currency if "currency" in grouped else UNSET,
        rounds=activity.rounds,
        bets=activity.bets,
        wins=activity.wins,
        bet_real=plain(activity.bet_real),
        bet_bonus=plain(activity.bet_bonus),
        win_real=plain(activity.win_real),
        win_bonus=plain(activity.win_bonus),
        ggr_real=plain(activity.ggr_real),
        ggr_bonus=plain(activity.ggr_bonus),
        rtp=None if rtp is None else plain(rtp),
        rolled_back=rolled_back_view(activity.rolled_back),
    )
