"""Batches at HTTP: how one is read, what is wrong with it, and how it is answered."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, get_args

from litestar import Request, Response
from litestar.exceptions import InternalServerException
from prometheus_client import Counter

from api.http.auth import closed, key_id_of, name_log, tenant_of
from api.http.headers import joined
from api.http.preferences import preferences
from api.http.problems import ProblemError
from api.http.rate_limits import limit_batch
from api.http.refusals import BODY_FAULT
from api.http.starting import another_turn
from app.intake.holding import OverBudgetError
from app.intake.intake import Admit, Sent
from app.intake.reading import BodyTooSlowError
from app.intake.receipts import AnyOutcome, Taken
from app.log.append import TenantClosedError
from app.recording import Outcome
from app.tenants import Tenant
from app.wire.body import (
    BodyTooLargeError,
    NotEncodedAsSaidError,
    NotJsonError,
    UnsupportedEncodingError,
    check_encoding,
)
from app.wire.forms import Dialect, Form
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
_HANDLING = {"lenient": True, "strict": False}
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_WITH_LEFT_OUT: tuple[AnyOutcome, ...] = (*_OUTCOMES, "invalid", "ignored")
_INGESTED = {outcome: INGESTED.labels(outcome) for outcome in _WITH_LEFT_OUT}
_HEADERS = {outcome: f"Events-{outcome.title()}" for outcome in _WITH_LEFT_OUT}


class _Take(Protocol):
    """What is done with what was sent."""

    def __call__(
        self, sent: Sent, tenant: Tenant, key_id: int, *, admit: Admit | None
    ) -> Awaitable[Taken]: ...


def form_of(request: Request[Any, Any, Any], dialect: Dialect, *, lenient: bool) -> Form:
    """Return the form of a batch in a dialect: `lenient`, unless the request prefers otherwise."""
    handling = preferences(request).get("handling", "")
    return Form(dialect, _HANDLING.get(handling, lenient))


async def read_batch(request: Request[Any, Any, Any], form: Form, take: _Take) -> Taken:
    """Read the batch that a request sends, and have it taken. Raises ProblemError."""
    tenant = tenant_of(request)
    _check_content_type(joined(request.headers, "content-type"))
    encoding = joined(request.headers, "content-encoding").strip().lower()
    declared = request.headers.get("content-length", "")
    declared_bytes = int(declared) if declared.isdecimal() else 0
    try:
        check_encoding(encoding)
        sent = Sent(_body(request), declared_bytes, encoding, form)
        return await take(sent, tenant, key_id_of(request), admit=limit_batch(request))
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


def answer_batch(request: Request[Any, Any, Any], form: Form, taken: Taken) -> Response[Any]:
    """Answer what became of a batch: with a receipt, if one is preferred."""
    may_leave_out = form.lenient or form.dialect != "events"
    outcomes = _WITH_LEFT_OUT if may_leave_out else _OUTCOMES
    counts = {outcome: taken.count(outcome) for outcome in outcomes}
    for outcome, count in counts.items():
        if count:
            _INGESTED[outcome].inc(count)
    request.scope["state"]["log"] = counts
    name_log(request, taken.recorded.log_id)
    headers = {_HEADERS[outcome]: str(count) for outcome, count in counts.items()}
    headers["Log-Position"] = str(taken.recorded.log_position)
    preferred = preferences(request)
    handling = preferred.get("handling")
    applied = [f"handling={handling}"] if handling in _HANDLING else []
    wants_receipt = preferred.get("return") == "representation"
    if wants_receipt:
        applied.append("return=representation")
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    if not wants_receipt:
        return Response(None, status_code=204, headers=headers)
    receipt = taken.lenient_receipt() if may_leave_out else taken.receipt()
    return Response(receipt, status_code=200, headers=headers, media_type=_JSON)


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
