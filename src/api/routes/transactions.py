"""Transactions: `GET /api/v1/transactions`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.querying.answers import Page
from api.querying.parameters import Query
from api.querying.queries import Queries
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
        "player_id": ("Only this player's transactions.", "StQ-1"),
        "type": ("Only deposits, or only withdrawals.", "deposit"),
        "method": ("Only transactions by this method.", "Credit Card"),
        "currency": ("Only transactions in this currency.", "EUR"),
        "from": ("Only transactions at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only transactions before this time.", "2025-01-16T00:00:00Z"),
    },
    place=TransactionPlace,
    row=TransactionView,
)

_EXAMPLE = Transactions(
    [
        TransactionView(
            unique_id="d-1",
            position=10,
            type="deposit",
            player_id="StQ-1",
            timestamp=datetime(2025, 1, 15, 6, 1, 30, tzinfo=UTC),
            amount="100",
            currency="EUR",
            method="Credit Card",
            amount_eur=None,
        )
    ],
    None,
)


@get(
    "/api/v1/transactions",
    tags=["query"],
    summary="List deposits and withdrawals",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_transactions(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Transactions]:
    """List deposits and withdrawals, newest first."""
    return await queries.page(request, QUERY, find_transactions)
