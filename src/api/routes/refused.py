"""The register of refused items: `GET /api/v1/refused`."""

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
from app.refused import RefusedFilters, RefusedPlace, RefusedView, find_refused
from app.wire.faults import Fault
from projections.reading import Rows, Snapshot


class RefusedItems(Page[RefusedView], frozen=True):
    """A page of refused items."""


QUERY: Query[RefusedFilters, RefusedPlace] = Query(
    "refused",
    RefusedFilters,
    {
        "unique_id": ("Only items with this unique_id.", Apart("bet-r9")),
        "event": ("Only items of this event, whatever it was.", Apart("gameround")),
        "player_id": ("Only items that name this player.", Apart("StQ-1")),
        "from": ("Only items first received at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only items first received before this time.", Apart("2025-01-16T00:00:00Z")),
    },
    place=RefusedPlace,
    row=RefusedView,
)

_RECEIVED_AT = datetime(2025, 1, 15, 6, 5, 2, 731_000, tzinfo=UTC)
_EXAMPLE = RefusedItems(
    [
        RefusedView(
            received_at=_RECEIVED_AT,
            last_received_at=_RECEIVED_AT,
            times=1,
            dialect="events",
            unique_id="bet-r9",
            event="gameround",
            player_id="StQ-1",
            data=Raw(
                b'{"unique_id": "bet-r9", "timestamp": "2025-01-15T08:02:00+02:00", "player_id": "StQ-1",'
                b' "game_id": "GD8", "round_id": "r9", "amount": "5", "currency": "EUR", "is_win": false,'
                b' "is_bonus": false}'
            ),
            errors=[Fault("/data/amount", "wrong_type", "must be a number")],
        )
    ],
    None,
)


@get(
    "/api/v1/refused",
    tags=["query"],
    summary="List refused items",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_refused(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[RefusedItems]:
    """List what was left out of batches for its faults (`Prefer: handling=lenient`), the last first.

    Each content once, for 30 days since it was last received; of a tenant at most 100,000 items and 64 MiB,
    the newest. A page may hold fewer items than `limit` where they are large.
    """
    return await queries.page(request, QUERY, _find, of="log")


def _find(
    seen: Snapshot, filters: RefusedFilters, after: RefusedPlace | None, limit: int
) -> Rows[RefusedView, RefusedPlace]:
    page = find_refused(seen.connection, seen.scope.tenant_id, filters, after, limit)
    return Rows(page.items, page.last_place)
