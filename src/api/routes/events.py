"""Ingest: `POST /api/v1/events`, and what would become of a batch."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency

from api.documentation.problems import INGEST_PROBLEMS
from api.documentation.wire_schema import CheckOperation, IngestOperation
from api.http.auth import name_log
from api.http.batches import answer_batch, form_of, read_batch
from app.intake.intake import Ingest
from app.intake.receipts import LenientReceipt
from app.recording import Receipt
from app.wire.forms import Form

_JSON = "application/json"


@post(
    "/api/v1/events",
    status_code=200,
    tags=["ingest"],
    summary="Record a batch of events",
    opt={"scope": "ingest"},
    operation_class=IngestOperation,
    responses=INGEST_PROBLEMS,
)
async def ingest_events(
    request: Request[Any, Any, Any], ingest: NamedDependency[Ingest]
) -> Response[Receipt | LenientReceipt]:
    """Record a batch of items, all of it or nothing; sending it again is safe.

    With `Prefer: handling=lenient` items that are invalid are left out, and kept in the register of refused
    items.
    """
    form = form_of(request, "events", lenient=False)
    return answer_batch(request, form, await read_batch(request, form, ingest.take))


@post(
    "/api/v1/events/check",
    status_code=200,
    tags=["ingest"],
    summary="Tell what would become of a batch",
    opt={"scope": "ingest"},
    operation_class=CheckOperation,
    responses=INGEST_PROBLEMS,
)
async def check_events(
    request: Request[Any, Any, Any], ingest: NamedDependency[Ingest]
) -> Response[LenientReceipt]:
    """Tell which items of a batch are invalid, and what would become of the others; nothing is recorded.

    The receipt is the one that the batch would get now with `handling=lenient`. Positions of what is not
    recorded yet are those that it would have if nobody else sent anything meanwhile.
    """
    taken = await read_batch(request, Form("events", lenient=True), ingest.check)
    recorded = taken.recorded
    name_log(request, recorded.log_id)
    position = recorded.log_position - taken.count("stored")
    headers = {"Log-Position": str(position), "Cache-Control": "no-store"}
    return Response(taken.lenient_receipt(), media_type=_JSON, headers=headers)
