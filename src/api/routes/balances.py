"""Balances: `GET /api/v1/balances`."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation import QUERY_PROBLEMS, operation
from api.parameters import Query
from api.queries import Page, Queries
from projections.balances import (
    BalanceCounts,
    BalanceFilters,
    BalancePlace,
    BalanceView,
    find_balances,
)


class Balances(Page[BalanceView], frozen=True):
    """A page of balances."""


QUERY: Query[BalanceFilters, BalancePlace] = Query(
    "balances",
    BalanceFilters,
    {
        "player_id": ("Only this player's balances.", "p-1001"),
        "currency": ("Only balances in this currency.", "EUR"),
    },
    place=BalancePlace,
)

_EXAMPLE = Balances(
    [
        BalanceView(
            player_id="p-1001",
            currency="EUR",
            real="66.5",
            bonus="-1",
            deposited="100",
            withdrawn="20",
            bet_real="25.5",
            bet_bonus="1",
            win_real="12",
            win_bonus="0",
            deposited_eur="100",
            counts=BalanceCounts(deposits=1, withdrawals=1, bets=52, wins=19),
        )
    ],
    None,
)


@get(
    "/api/v1/balances",
    tags=["query"],
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_balances(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Balances]:
    """List balances by player_id, then currency: what moved, net, per player and currency.

    They may be negative, and are never converted or added across currencies.
    """
    return await queries.page(request, QUERY, find_balances)
