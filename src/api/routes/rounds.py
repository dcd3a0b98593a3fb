"""Rounds: `GET /api/v1/rounds`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.querying.answers import Page
from api.querying.parameters import Query
from api.querying.queries import Queries
from projections.models.played import PlayedView
from projections.models.rounds import (
    RoundFilters,
    RoundPlace,
    RoundSumsView,
    RoundView,
    find_rounds,
)
from projections.rolled_back import RolledBackView


class Rounds(Page[RoundView], frozen=True):
    """A page of rounds."""


QUERY: Query[RoundFilters, RoundPlace] = Query(
    "rounds",
    RoundFilters,
    {
        "player_id": ("Only rounds of this player.", "StQ-1"),
        "game_id": ("Only rounds of this game.", "GD8"),
        "round_id": (
            "Only rounds of this id; then each comes with its `bets` and `wins`.",
            "r1",
        ),
        "status": (
            (
                "`open` (bets only), `settled` (bets and wins, or ended without a win), `unmatched` (without"
                " a bet) or `rolled_back` (as many bets and as many wins were taken back as there were)."
            ),
            "settled",
        ),
        "mixed_currency": ("Only rounds in more than one currency, or only the others.", False),
        "from": ("Only rounds whose first_at is this or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only rounds whose first_at is before this.", "2025-01-16T00:00:00Z"),
    },
    place=RoundPlace,
    row=RoundView,
    left_out=lambda filters: () if filters.round_id else ("bets", "wins"),
)

_BET_AT = datetime(2025, 1, 15, 6, 2, tzinfo=UTC)
_WIN_AT = datetime(2025, 1, 15, 6, 2, 1, tzinfo=UTC)
_EXAMPLE = Rounds(
    [
        RoundView(
            player_id="StQ-1",
            game_id="GD8",
            round_id="r1",
            status="settled",
            mixed_currency=False,
            first_at=_BET_AT,
            last_at=_WIN_AT,
            bet_count=1,
            win_count=1,
            ended_at=None,
            sums=[
                RoundSumsView(
                    currency="EUR",
                    bet_real="0.5",
                    bet_bonus="0",
                    win_real="1.2",
                    win_bonus="0",
                    net_real="0.7",
                    net_bonus="0",
                    rolled_back=RolledBackView("0", "0", "0", "0", bets=0, wins=0),
                )
            ],
            bets=[PlayedView("bet-r1", _BET_AT, "0.5", "EUR", is_bonus=False, position=21)],
            wins=[PlayedView("win-r1", _WIN_AT, "1.2", "EUR", is_bonus=False, position=14)],
        )
    ],
    None,
)


@get(
    "/api/v1/rounds",
    tags=["query"],
    summary="List rounds",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_rounds(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Rounds]:
    """List rounds, bets paired with wins, the last begun first (by `first_at`).

    Sums are net of what was rolled back, counts are of what was sent. `first_at` and `last_at` are about all
    events of a round, rollbacks and its end among them.
    """
    return await queries.page(request, QUERY, find_rounds)
