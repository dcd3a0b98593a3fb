"""Ingest: `POST /api/v1/events`."""

from collections.abc import AsyncIterator
from typing import Any, get_args

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.exceptions import InternalServerException
from prometheus_client import Counter

from api.documentation.wire_schema import INGEST_PROBLEMS, IngestOperation
from api.http.auth import closed, key_id_of, name_log, tenant_of
from api.http.headers import joined
from api.http.problems import ProblemError
from api.http.rate_limits import limit_batch
from api.http.refusals import BODY_FAULT
from api.http.starting import another_turn
from app.intake.holding import OverBudgetError
from app.intake.intake import Ingest
from app.intake.reading import BodyTooSlowError
from app.log.append import TenantClosedError
from app.recording import Outcome, Receipt, Recorded
from app.wire.body import (
    BodyTooLargeError,
    NotEncodedAsSaidError,
    NotJsonError,
    UnsupportedEncodingError,
    check_encoding,
)
from app.wire.items import InvalidItemsError, TooManyItemsError

INGESTED = Counter("roundbook_ingested_items", "Items answered, by outcome", ["outcome"])

_JSON = "application/json"
_UTF_8 = {"utf-8", "utf8"}  # the second is what many call it
_SMALL_BYTES = 65_536
_TOO_SLOW = "The body took too long to arrive, or brought too little for some seconds."
_TOO_BUSY = (
    "The service holds as much as it can, or as one tenant or key may have of that. The same request can be"
    " sent again."
)
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_INGESTED = {outcome: INGESTED.labels(outcome) for outcome in _OUTCOMES}
_HEADERS = {outcome: f"Events-{outcome.title()}" for outcome in _OUTCOMES}


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
) -> Response[Receipt]:
    """Record a batch of items, all of it or nothing; sending it again is safe."""
    tenant = tenant_of(request)
    key_id = key_id_of(request)
    _check_content_type(joined(request.headers, "content-type"))
    encoding = joined(request.headers, "content-encoding").strip().lower()
    declared = request.headers.get("content-length", "")
    declared_bytes = int(declared) if declared.isdecimal() else 0
    try:
        check_encoding(encoding)
        recorded = await ingest.take(
            _body(request), declared_bytes, encoding, tenant, key_id, admit=limit_batch(request)
        )
    except UnsupportedEncodingError as error:
        raise ProblemError("unsupported-encoding", str(error)) from error
    except BodyTooLargeError as error:
        limit = error.limit_bytes
        raise ProblemError("body-too-large", str(error), limit_bytes=limit) from error
    except (NotJsonError, NotEncodedAsSaidError) as error:
        raise ProblemError("malformed-body", str(error)) from error
    except TooManyItemsError as error:
        raise ProblemError("too-many-items", str(error)) from error
    except InvalidItemsError as error:
        raise ProblemError("invalid-items", str(error), errors=error.faults) from error
    except TenantClosedError as error:
        raise closed(tenant) from error
    except BodyTooSlowError as error:
        raise ProblemError("body-too-slow", _TOO_SLOW) from error
    except OverBudgetError as error:
        raise ProblemError("too-busy", _TOO_BUSY) from error
    return _answer(request, recorded)


def _check_content_type(content_type: str) -> None:
    media_type, *parameters = content_type.lower().split(";")
    pairs = [parameter.partition("=") for parameter in parameters]
    charsets = {value.strip(" \t\"'") for name, _, value in pairs if name.strip() == "charset"}
    if media_type.strip() != _JSON or not charsets <= _UTF_8:
        raise ProblemError("unsupported-media-type", f"The body must be {_JSON} in UTF-8.")


async def _body(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """Return the body as it arrives; of a large one each part in its turn.

    Raises ProblemError if the client goes away before its end.
    """
    read_bytes = 0
    try:
        async for chunk in request.stream():
            yield chunk
            read_bytes += len(chunk)
            if read_bytes > _SMALL_BYTES:
                await another_turn(request.scope)
    except InternalServerException as error:  # so Litestar says it, but it is no fault of ours
        detail = request.scope["state"].get(BODY_FAULT, "The body ended before it was whole.")
        raise ProblemError("malformed-body", detail) from error


def _answer(request: Request[Any, Any, Any], recorded: Recorded) -> Response[Any]:
    counts = {outcome: recorded.count(outcome) for outcome in _OUTCOMES}
    for outcome, count in counts.items():
        if count:
            _INGESTED[outcome].inc(count)
    request.scope["state"]["log"] = counts
    name_log(request, recorded.log_id)
    headers = {_HEADERS[outcome]: str(count) for outcome, count in counts.items()}
    headers["Log-Position"] = str(recorded.log_position)
    if _wants_receipt(joined(request.headers, "prefer")):
        headers["Preference-Applied"] = "return=representation"
        return Response(recorded.receipt(), status_code=200, headers=headers, media_type=_JSON)
    return Response(None, status_code=204, headers=headers)


def _wants_receipt(prefer: str) -> bool:
    """Return whether `Prefer: return=representation` (RFC 7240) was sent."""
    if not prefer:
        return False
    preferences = [part.partition(";")[0].strip().lower() for part in prefer.split(",")]
    return "return=representation" in [p.replace(" ", "").replace('"', "") for p in preferences]
