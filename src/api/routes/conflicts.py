"""The register of conflicts: `GET /api/v1/conflicts`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Raw

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.querying.answers import Page
from api.querying.parameters import Apart, Query
from api.querying.queries import Queries
from app.conflicts import ConflictFilters, ConflictView, RecordedItem, find_conflicts
from domain.ids import Position
from projections.reading import Rows, Snapshot


class Conflicts(Page[ConflictView], frozen=True):
    """A page of conflicts."""


QUERY: Query[ConflictFilters, int] = Query(
    "conflicts",
    ConflictFilters,
    {
        "unique_id": ("Only contents that were refused for this unique_id.", "bet-r1"),
        "from_position": ("Only conflicts with events at this position or after it.", 1),
        "to_position": ("Only conflicts with events at this position or before it.", 484),
        "from": ("Only contents that were refused at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only contents that were refused before this time.", Apart("2025-01-16T00:00:00Z")),
    },
    place=Position,
    row=ConflictView,
)

_DATA = (
    b'{"unique_id": "bet-r1", "timestamp": "2025-01-15T08:02:00+02:00", "player_id": "StQ-1",'
    b' "game_id": "GD8", "round_id": "r1", "amount": %s, "currency": "EUR", "is_win": false,'
    b' "is_bonus": false}'
)
_EXAMPLE = Conflicts(
    [
        ConflictView(
            unique_id="bet-r1",
            position=21,
            received_at=datetime(2025, 1, 15, 6, 5, 2, 731_000, tzinfo=UTC),
            event="gameround",
            data=Raw(_DATA % b"5"),
            recorded=RecordedItem("gameround", Raw(_DATA % b"0.5")),
        )
    ],
    None,
)


@get(
    "/api/v1/conflicts",
    tags=["query"],
    summary="List conflicts",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_conflicts(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Conflicts]:
    """List what was refused because its unique_id stood for something else, in the order of refusal.

    Each beside what is recorded (`recorded`, at `position`), both as they were sent, digit for digit; `data`
    is null where it was erased. A page may hold fewer items than `limit` where they are large.
    """
    return await queries.page(request, QUERY, _find, of="log")


def _find(
    seen: Snapshot, filters: ConflictFilters, after: int | None, limit: int
) -> Rows[ConflictView, int]:
    page = find_conflicts(seen.connection, seen.scope.tenant_id, filters, after or 0, limit)
    return Rows(page.items, page.last_number)
