"""How far the read models are: `GET /api/v1/status`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec.structs import asdict

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.http.auth import name_log
from api.querying.answers import answer
from api.querying.parameters import NoFilters, Query
from api.querying.queries import Queries, read_request
from app.evidence.status import EvidenceStatus, read_evidence_status
from postgres.connections import Connection
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


class Status(StatusView, frozen=True):
    """How far the read models are behind the log, and how far that is sealed."""

    evidence: EvidenceStatus


_EXAMPLE = Status(
    "00112233445566778899aabbccddeeff",
    484,
    [
        ProjectionStatus(name, 480, lag_events=4, lag_seconds=0.042, failure=_FAILURE)
        for name in READ_MODELS
    ],
    RebuildStatus(120, failure=None),
    EvidenceStatus(484, datetime(2025, 1, 15, 12, 0, 1, tzinfo=UTC), failure=None),
)


@get(
    "/api/v1/status",
    tags=["query"],
    summary="Show how far the read models and the evidence are",
    opt={"scope": "read"},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def show_status(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Status]:
    """Show the id and the head of the log, and the position and the lag of each projection.

    `lag_seconds` is the age of the oldest event that a projection does not show yet, 0 if it shows all.
    `failure` names the event at which a projection stands still, the reason and since when, or is null.
    `rebuild` tells how far read models are that are being made anew, or is null. `evidence` tells up to which
    position the log is sealed, why nothing is signed where that is so, why its heads can't be stated, and
    what was found of a log of which the read models were made all the same.
    """
    asked = await read_request(request, QUERY)

    def read(connection: Connection, _: int) -> Status:
        shown = read_status(connection, asked.tenant_id, datetime.now(UTC))
        named = name_log(request, bytes.fromhex(shown.log_id))
        evidence = read_evidence_status(connection, asked.tenant_id)
        return Status(**asdict(shown) | {"log_id": named.hex()}, evidence=evidence)

    status, _ = await queries.logged(asked, read)
    return answer(status, status.log_position)
