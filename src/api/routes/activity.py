"""Activity: `GET /api/v1/activity`."""

from datetime import date
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.querying.answers import Page
from api.querying.parameters import Fault, Query
from api.querying.queries import Queries
from projections.models.activity import (
    ActivityFilters,
    ActivityPlace,
    ActivityView,
    Group,
    find_activity,
)
from projections.rolled_back import RolledBackView


class Activities(Page[ActivityView], frozen=True):
    """A page of activity."""


def _check(filters: ActivityFilters) -> Fault | None:
    if not filters.adds_currencies:
        return None
    detail = "must name currency unless a currency is asked for: amounts are never added across currencies"
    return Fault("group_by", "adds_currencies", detail)


def _left_out(filters: ActivityFilters) -> set[str]:
    members: dict[Group, str] = {"day": "day", "game": "game_id", "currency": "currency"}
    return {member for group, member in members.items() if group not in filters.group_by}


QUERY: Query[ActivityFilters, ActivityPlace] = Query(
    "activity",
    ActivityFilters,
    {
        "from": ("Only gaming days that begin at this time or later.", "2025-01-15"),
        "to": ("Only gaming days that begin before this time.", "2025-01-16"),
        "game_id": ("Only activity in this game.", "btg/bonanza"),
        "currency": ("Only activity in this currency.", "EUR"),
        "group_by": (
            (
                "What to add up by: some of `day`, `game` and `currency`, separated by commas; all three"
                " where it is absent. Amounts are never added across currencies: it must name `currency`,"
                " or a currency must be asked for."
            ),
            ["day", "game", "currency"],
        ),
    },
    place=ActivityPlace,
    check=_check,
    row=ActivityView,
    left_out=_left_out,
)

_EXAMPLE = Activities(
    [
        ActivityView(
            day=date(2025, 1, 15),
            game_id="btg/bonanza",
            currency="EUR",
            rounds=52,
            bets=52,
            wins=18,
            bet_real="32.716665",
            bet_bonus="2.016666",
            win_real="15.34",
            win_bonus="2.71",
            ggr_real="17.376665",
            ggr_bonus="-0.693334",
            rtp="0.519674",
            rolled_back=RolledBackView("0", "0", "0", "0", bets=0, wins=0),
        )
    ],
    None,
)


@get(
    "/api/v1/activity",
    tags=["query"],
    summary="Sum up what was played",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_activity(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Activities]:
    """List what was played by gaming day, game and currency, in this order: bets, wins, rounds, revenue.

    A gaming day has the name of the date on which it begins, by the time zone and the time of day that are
    set for the tenant; midnight in UTC where none are. Late bets and wins count on the day on which they
    happened. Rollbacks count on their own day: what they take back is taken off its sums, which may thereby
    be negative, and not off the counts. A round counts once for each day, game and currency on which it has
    a bet, a win or a rollback, and longer spans add these up. `ggr` (gross gaming revenue) is bets minus
    wins. `rtp` (return to player) is wins by bets, real and bonus money together, rounded to 6 decimal
    places, half to even; null where nothing was bet.
    """
    return await queries.page(request, QUERY, find_activity)
