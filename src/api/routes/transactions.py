"""Transactions: `GET /api/v1/transactions`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.documentation import QUERY_PROBLEMS, operation
from api.querying.parameters import Query
from api.querying.queries import Page, Queries
from projections.models.transactions import (
    TransactionFilters,
    TransactionPlace,
    TransactionView,
    find_transactions,
)


class Transactions(Page[TransactionView], frozen=True):
    """A page of transactions."""


QUERY: Query[TransactionFilters, TransactionPlace] = Query(
    "transactions",
    TransactionFilters,
    {
        "player_id": ("Only this player's transactions.", "p-1001"),
        "type": ("Only deposits, or only withdrawals.", "deposit"),
        "method": ("Only transactions by this method.", "card"),
        "currency": ("Only transactions in this currency.", "EUR"),
        "from": ("Only transactions at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only transactions before this time.", "2025-01-16T00:00:00Z"),
    },
    place=TransactionPlace,
)

_EXAMPLE = Transactions(
    [
        TransactionView(
            unique_id="dep-31",
            position=17,
            type="deposit",
            player_id="p-1001",
            timestamp=datetime(2025, 1, 15, 6, 1, 36, tzinfo=UTC),
            amount="100",
            currency="USD",
            method="card",
            amount_eur="96.81",
        )
    ],
    None,
)


@get(
    "/api/v1/transactions",
    tags=["query"],
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_transactions(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Transactions]:
    """List deposits and withdrawals, newest first."""
    return await queries.page(request, QUERY, find_transactions)
