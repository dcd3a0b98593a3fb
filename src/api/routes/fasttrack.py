"""Ingest in Fast Track's dialect: `POST /api/v1/integrations/fasttrack/bulk`."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency

from api.documentation.fasttrack import FastTrackOperation
from api.documentation.problems import INGEST_PROBLEMS
from api.http.batches import answer_batch, form_of, read_batch
from app.intake.intake import Ingest
from app.intake.receipts import LenientReceipt


@post(
    "/api/v1/integrations/fasttrack/bulk",
    status_code=200,
    tags=["ingest"],
    summary="Record a batch of Fast Track's payloads",
    opt={"scope": "ingest"},
    operation_class=FastTrackOperation,
    responses=INGEST_PROBLEMS,
)
async def ingest_fasttrack(
    request: Request[Any, Any, Any], ingest: NamedDependency[Ingest]
) -> Response[LenientReceipt]:
    """Record a batch of payloads as Fast Track's integrations send them; sending it again is safe.

    Invalid ones are left out and kept in the register of refused items, unless `Prefer: handling=strict` is
    sent. A payment counts when its status is approved; one of another status is accepted and ignored. History
    gives each payload back as it was sent.
    """
    form = form_of(request, "fasttrack", lenient=True)
    return answer_batch(request, form, await read_batch(request, form, ingest.take))
