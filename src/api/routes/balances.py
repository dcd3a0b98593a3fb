"""Balances: `GET /api/v1/balances`, and over time `GET /api/v1/balances/history`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.http.accept import CSV
from api.querying.answers import Page, answer, answer_page
from api.querying.parameters import Apart, Asked, Query
from api.querying.queries import Queries, read_request
from app.log.aggregates import player_at
from postgres.connections import Pool
from projections.models.balance_history import (
    BalanceHistory,
    BalanceHistoryFilters,
    BalancePoint,
    read_balance_history,
)
from projections.models.balances import (
    BalanceCounts,
    BalanceFilters,
    BalancePlace,
    BalanceView,
    find_balances,
    find_balances_as_of,
    list_balances,
)
from projections.reading import Rows
from projections.rolled_back import RolledBackView


class Balances(Page[BalanceView], frozen=True):
    """A page of balances."""


QUERY: Query[BalanceFilters, BalancePlace] = Query(
    "balances",
    BalanceFilters,
    {
        "player_id": ("Only this player's balances.", "StQ-1"),
        "currency": ("Only balances in this currency.", "EUR"),
        "as_of": (
            (
                "The balances of this player by all events that happened at this time or before it, late"
                " ones included. Needs player_id."
            ),
            Apart("2025-01-15T07:00:00Z"),
        ),
        "at_position": (
            (
                "The balances of this player by all events up to this position of the log, inclusive; its"
                " head at most. Needs player_id, and not together with as_of. `Log-Position` is then this"
                " position, and `at_least` can't be greater."
            ),
            Apart(100),
        ),
    },
    place=BalancePlace,
    row=BalanceView,
    exclusive=("as_of", "at_position"),
    needs={"as_of": "player_id", "at_position": "player_id"},
)

_EXAMPLE = Balances(
    [
        BalanceView(
            player_id="StQ-1",
            currency="EUR",
            real="50.923335",
            bonus="-0.453333",
            deposited="100",
            withdrawn="50.25",
            bet_real="48.016665",
            bet_bonus="2.333333",
            win_real="49.19",
            win_bonus="1.88",
            deposited_eur="0",
            counts=BalanceCounts(deposits=1, withdrawals=1, bets=59, wins=28),
            rolled_back=RolledBackView("0", "0", "0", "0", bets=0, wins=0),
        )
    ],
    None,
)


@get(
    "/api/v1/balances",
    tags=["query"],
    summary="List balances, now or in the past",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def show_balances(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Balances]:
    """List balances by player_id, then currency: what moved, net, per player and currency.

    What was bet and won is net of rollbacks, each at its own time. They may be negative, and are never
    converted or added across currencies. Of one player also as they were in the past: `as_of` a time of the
    events, or `at_position` of the log, which a later event never changes.
    """
    asked = await read_request(request, QUERY)
    position = asked.filters.at_position
    if position is not None:
        found = await queries.at_position(
            asked, position, lambda pool: _told_at(pool, asked, position)
        )
    elif asked.filters.as_of is not None:
        found = await queries.live(
            asked,
            lambda seen: find_balances_as_of(seen, asked.filters, asked.after, asked.limit),
            by_key=True,
        )
    else:
        return await queries.page(request, QUERY, find_balances)
    return answer_page(QUERY, asked, *found)


def _told_at(
    pool: Pool, asked: Asked[BalanceFilters, BalancePlace], position: int
) -> Rows[BalanceView, BalancePlace]:
    player = player_at(pool, asked.tenant_id, asked.filters.player_id or "", position)
    balances = player.balances if player else {}
    return list_balances(balances, asked.filters, asked.after, asked.limit)


HISTORY: Query[BalanceHistoryFilters, None] = Query(
    "balance-history",
    BalanceHistoryFilters,
    {
        "player_id": ("Whose balance.", "StQ-1"),
        "currency": ("In which currency.", "EUR"),
        "from": ("The first time. Default: when something moved first.", "2025-01-15T06:00:00Z"),
        "to": (
            "The last time is right before this. Default: behind the last movement.",
            "2025-01-15T11:00:00Z",
        ),
        "points": ("At how many times, at most.", 6),
    },
    row=BalancePoint,
)

_HISTORY_EXAMPLE = BalanceHistory(
    "StQ-1",
    "EUR",
    [
        BalancePoint(datetime(2025, 1, 15, 6, tzinfo=UTC), "0", "0"),
        *(
            BalancePoint(datetime(2025, 1, 15, hour, 59, 59, 999_999, UTC), real, bonus)
            for hour, real, bonus in (
                (6, "117.6", "-0.15"),
                (7, "67.35", "-0.4"),
                (8, "61.066667", "-0.4"),
                (9, "57.976668", "-0.4"),
                (10, "50.923335", "-0.453333"),
            )
        ),
    ],
)


@get(
    "/api/v1/balances/history",
    tags=["query"],
    summary="Show a balance over time",
    opt={"scope": "read"},
    operation_class=operation(HISTORY, _HISTORY_EXAMPLE, rows=_HISTORY_EXAMPLE.points),
    responses=QUERY_PROBLEMS,
)
async def show_balance_history(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[BalanceHistory]:
    """Show the real and the bonus balance of a player in one currency at evenly spaced times.

    At each time it is what `/api/v1/balances` tells `as_of` it, and a bounded number of rows is read for all.
    Where that would take more, the times between the first and the last are moved to the ends of their ten
    minutes, or of their gaming days: `at` says which time it is. The first and the last are moved where their
    own ten minutes have more than 500 events: to the end of these, or, if that is not before `to`, to right
    before they begin. So there may be fewer points than were asked for. Where nothing ever moved, or all from
    `from` to `to` is within ten minutes of so many events, there are none.
    """
    asked = await read_request(request, HISTORY)
    points, position = await queries.live(
        asked,
        lambda seen: read_balance_history(seen, asked.at_moments(seen.days).filters),
        by_key=True,
    )
    if asked.media_type == CSV:
        return answer_page(HISTORY, asked, Rows(points, None), position)
    whose = asked.filters
    return answer(BalanceHistory(whose.player_id, whose.currency, points), position, vary=True)
