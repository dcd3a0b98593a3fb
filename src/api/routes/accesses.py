"""The log of accesses: `GET /api/v1/accesses`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.querying.answers import Page
from api.querying.parameters import Apart, Query
from api.querying.queries import Queries
from app.accesses import AccessFilters, AccessView, find_accesses
from domain.ids import Position
from projections.reading import Rows, Snapshot


class Accesses(Page[AccessView], frozen=True):
    """A page of accesses."""


QUERY: Query[AccessFilters, int] = Query(
    "accesses",
    AccessFilters,
    {
        "key_id": ("Only accesses with this key.", Apart(1)),
        "from": ("Only accesses at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only accesses before this time.", Apart("2025-01-16T00:00:00Z")),
    },
    place=Position,
    row=AccessView,
)

_EXAMPLE = Accesses(
    [
        AccessView(
            number=2,
            accessed_at=datetime(2025, 1, 15, 6, 10, 0, 112_904, tzinfo=UTC),
            key_id=1,
            method="GET",
            path="/api/v1/accesses",
            query="from=2025-01-15T00%3A00%3A00Z",
            last_event_id="",
        ),
        AccessView(
            number=1,
            accessed_at=datetime(2025, 1, 15, 6, 5, 2, 731_000, tzinfo=UTC),
            key_id=1,
            method="GET",
            path="/api/v1/history",
            query="player_id=StQ-1&from_position=1&to_position=100",
            last_event_id="1",
        ),
    ],
    None,
)


@get(
    "/api/v1/accesses",
    tags=["history"],
    summary="List accesses to the log",
    opt={"scope": "audit"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def list_accesses(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Accesses]:
    """List who was let in with the scope `audit` and what they asked for, newest first.

    An access is recorded before it is answered, so the first one shown is the request itself; whether it was
    answered as it wished is not told. A stream is one access, at its beginning: it gives all that
    `query` and `last_event_id` ask for, up to the head of the log, and as server-sent events all that is
    recorded while it is open. A page may hold fewer items than `limit` where they are long.
    """
    return await queries.page(request, QUERY, _find, of="log")


def _find(
    seen: Snapshot, filters: AccessFilters, after: int | None, limit: int
) -> Rows[AccessView, int]:
    page = find_accesses(seen.connection, seen.scope.tenant_id, filters, after, limit)
    return Rows(page.items, page.last_number)
