"""How far the read models are: `GET /api/v1/status`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.operations import QUERY_PROBLEMS, operation
from api.querying.parameters import NoFilters, Query
from api.querying.queries import Queries, answer, read_request
from projections.models.registry import READ_MODELS
from projections.status import (
    FailureView,
    ProjectionStatus,
    RebuildStatus,
    StatusView,
    read_status,
)

QUERY: Query[NoFilters, None] = Query("status", NoFilters, {})

_FAILURE = FailureView(
    481, "UnknownTopicError: BetPlaced.v2", datetime(2025, 1, 15, 12, 0, tzinfo=UTC)
)
_EXAMPLE = StatusView(
    "00112233445566778899aabbccddeeff",
    484,
    [
        ProjectionStatus(name, 480, lag_events=4, lag_seconds=0.042, failure=_FAILURE)
        for name in READ_MODELS
    ],
    RebuildStatus(120, failure=None),
)


@get(
    "/api/v1/status",
    tags=["query"],
    summary="Show how far the read models are",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def show_status(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[StatusView]:
    """Show the id and the head of the log, and the position and the lag of each projection.

    `lag_seconds` is the age of the oldest event that a projection does not show yet, 0 if it shows all.
    `failure` names the event at which a projection stands still, the reason and since when, or is null.
    `rebuild` tells how far read models are that are being made anew, or is null.
    """
    asked = await read_request(request, QUERY)
    status, _ = await queries.logged(
        asked, lambda connection, _: read_status(connection, asked.tenant_id, datetime.now(UTC))
    )
    return answer(status, status.log_position)
