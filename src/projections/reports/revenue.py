"""Revenue: what was bet and won, and what that comes to, by day or month, game, provider and currency."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType, field

from domain.activity import Activity
from domain.ids import Id
from domain.money import plain
from domain.sums import add_sums
from postgres.statements import Statement, Statements
from projections.models.activity import ALL_GAMES
from projections.reading import Amount, Snapshot, select_pairs
from projections.reports.shape import MOST_ROWS, Content, add, checks, days_between, whole
from projections.rolled_back import Columned


class Sql(Statements):
    """Adding up activity."""

    revenue: Statement
    whole_revenue: Statement


SQL = Sql(__file__)
_COLUMNED = Columned((), Activity)

Group = Literal["day", "month", "game", "provider", "currency"]
GROUPS: tuple[Group, ...] = ("day", "month", "game", "provider", "currency")


class RevenueFilters(Struct, frozen=True):
    """Which revenue, what it is added up by, and the gaming days, by their beginnings."""

    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    group_by: tuple[Group, ...] = ("day", "currency")
    game_id: Id | None = None
    provider: Id | None = None
    currency: Id | None = None

    @property
    def adds_currencies(self) -> bool:
        """Whether amounts of several currencies would be added."""
        return self.currency is None and "currency" not in self.group_by

    @property
    def left_out(self) -> list[str]:
        """The members that rows don't have."""
        members = {"day": "day", "month": "month", "game": "game_id", "provider": "provider"}
        return [member for group, member in members.items() if group not in self.group_by]

    @property
    def of_games(self) -> bool:
        """Whether games are told apart, or some left out."""
        return bool(self.game_id or self.provider or {"game", "provider"} & {*self.group_by})


class RevenueRow(Struct, frozen=True, kw_only=True):
    """What was bet and won. `day`, `month`, `game_id` and `provider` are there where they are grouped by.

    All is net of what was rolled back, but for the counts. ggr (gross gaming revenue) is bets minus wins; rtp
    (return to player) is wins by bets, real and bonus money together. A round counts in each game and
    currency, and on each day, on which it has a bet, a win or a rollback.
    """

    day: date | UnsetType = UNSET
    month: str | UnsetType = UNSET
    game_id: str | UnsetType = UNSET
    provider: str | None | UnsetType = UNSET
    currency: str
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


class _Group(NamedTuple):
    day: date | None
    game_id: str | None
    provider: str | None
    currency: str


def report_revenue(seen: Snapshot, filters: RevenueFilters) -> Content:
    """Report revenue. Raises TooLongError."""
    days = days_between(seen.days, filters.at_or_after, filters.before)
    by = {f"by_{group}": group in filters.group_by for group in GROUPS if group != "currency"}
    between = {"first_day": days.first, "end_day": days.end, "all_games": ALL_GAMES}
    found = select_pairs(
        seen,
        SQL.revenue,
        ("in_day", "in_game", "in_provider", "in_currency"),
        _COLUMNED.row,
        filters,
        of_games=filters.of_games,
        **by,
        **between,
        limit=MOST_ROWS + 1,
    )
    whole(found)
    parts = [(_Group(*group), _COLUMNED.sums(row)) for group, row in found]
    sums: dict[str, Activity] = {}
    for group, activity in parts:
        sums[group.currency] = add_sums(sums.get(group.currency, Activity()), activity)
    known = select_pairs(
        seen,
        SQL.whole_revenue,
        "currency",
        _COLUMNED.row,
        filters,
        of_games=bool(filters.game_id or filters.provider),
        **between,
    )
    found_ggr = {currency: _ggr(each) for currency, each in sums.items()}
    whole_ggr = {currency: _ggr(_COLUMNED.sums(row)) for currency, row in known}
    return Content(
        [_row(group, activity, filters.group_by) for group, activity in parts],
        [_row(_Group(None, None, None, each), sums[each], ("currency",)) for each in sorted(sums)],
        list(checks("ggr: sum of the rows = the whole", whole_ggr, found_ggr)),
    )


def _ggr(activity: Activity) -> Decimal:
    return add(activity.ggr_real, activity.ggr_bonus)


def _row(group: _Group, activity: Activity, grouped: Sequence[Group]) -> RevenueRow:
    day = group.day if group.day is not None else UNSET
    return RevenueRow(
        day=day if "day" in grouped else UNSET,
        month=day.isoformat()[:7] if "month" in grouped and day is not UNSET else UNSET,
        game_id=group.game_id if group.game_id is not None else UNSET,
        provider=group.provider if "provider" in grouped else UNSET,
        currency=group.currency,
        rounds=activity.rounds,
        bets=activity.bets,
        wins=activity.wins,
        bet_real=plain(activity.bet_real),
        bet_bonus=plain(activity.bet_bonus),
        win_real=plain(activity.win_real),
        win_bonus=plain(activity.win_bonus),
        ggr_real=plain(activity.ggr_real),
        ggr_bonus=plain(activity.ggr_bonus),
        rtp=None if activity.rtp is None else plain(activity.rtp),
    )
