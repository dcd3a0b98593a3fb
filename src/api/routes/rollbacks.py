"""Rollbacks: `GET /api/v1/rollbacks`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.querying.answers import Page
from api.querying.parameters import Query
from api.querying.queries import Queries
from projections.models.rollbacks import (
    RollbackFilters,
    RollbackPlace,
    RollbackView,
    find_rollbacks,
)


class Rollbacks(Page[RollbackView], frozen=True):
    """A page of rollbacks."""


QUERY: Query[RollbackFilters, RollbackPlace] = Query(
    "rollbacks",
    RollbackFilters,
    {
        "player_id": ("Only rollbacks of this player.", "example-player"),
        "game_id": ("Only rollbacks in this game.", "example/sunrise"),
        "round_id": ("Only rollbacks in rounds of this id.", "example-round-1"),
        "status": (
            (
                "`matched` (the reference is recorded, with the same player, game, round, amount, currency,"
                " is_win and is_bonus), `mismatched` (it is recorded otherwise), `repeated` (an earlier"
                " rollback has the same reference), `unmatched` (there is no such event) or `unreferenced`."
            ),
            "matched",
        ),
        "from": ("Only rollbacks at this time or later.", "2025-02-01T00:00:00Z"),
        "to": ("Only rollbacks before this time.", "2025-02-02T00:00:00Z"),
    },
    place=RollbackPlace,
    row=RollbackView,
)

_EXAMPLE = Rollbacks(
    [
        RollbackView(
            unique_id="example-rollback-1",
            position=2,
            player_id="example-player",
            game_id="example/sunrise",
            round_id="example-round-1",
            timestamp=datetime(2025, 2, 1, 12, 5, tzinfo=UTC),
            amount="0.5",
            currency="EUR",
            is_win=False,
            is_bonus=False,
            reference="example-bet-1",
            reason="game malfunction",
            status="matched",
        )
    ],
    None,
)


@get(
    "/api/v1/rollbacks",
    tags=["query"],
    summary="List rollbacks",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_rollbacks(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Rollbacks]:
    """List rollbacks, newest first, each with what it takes back: `status` says what looks wrong.

    It changes no sum: what is taken back is taken off at the time of the rollback, whatever it refers to. An
    event that comes late may change the status of rollbacks that came before it.
    """
    return await queries.page(request, QUERY, find_rollbacks)
