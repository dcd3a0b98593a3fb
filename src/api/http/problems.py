"""Every error of the API as an RFC 9457 problem, by one table."""

from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from api.http.leaving import ClientLeftError
from postgres.errors import UNAVAILABLE, is_exhausted

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:roundbook:problem:"
_RETRY_AFTER_S = 1
_NO_ROOM = (
    "No memory, thread, process or file was to be had for this. Whether it was done is not known. Sending the"
    " same request again is safe."
)

log = structlog.get_logger()

# name: (status, title). Names and titles are stable; clients may depend on them.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request can't be understood"),
    "malformed-body": (400, "The body is not what it says it is"),
    "forbidden": (403, "The API key does not allow this"),
    "tenant-closed": (403, "The tenant is closed"),
    "not-found": (404, "Not found"),
    "not-sealed": (404, "Not sealed yet; try again"),
    "method-not-allowed": (405, "This method is not allowed here"),
    "not-acceptable": (406, "None of the accepted media types can be given"),
    "body-too-slow": (408, "The body did not arrive in time"),
    "head-too-slow": (408, "The head of the request did not arrive in time"),
    "beyond-head": (409, "The log does not reach that far"),
    "other-log": (409, "This is of a log that does not go on any more"),
    "body-too-large": (413, "The body is too large"),
    "too-many-items": (413, "The batch has too many items"),
    "target-too-long": (414, "The request target is too long"),
    "unsupported-media-type": (415, "The content type is not supported"),
    "unsupported-encoding": (415, "The content encoding is not supported"),
    "invalid-items": (422, "Some items are invalid; nothing was recorded"),
    "invalid-parameters": (422, "Some parameters are invalid"),
    "rate-limited": (429, "Too many requests; try again later"),
    "too-many-queries": (429, "Too many queries wait; try again"),
    "too-many-streams": (429, "Too many streams are open; try again"),
    "head-too-large": (431, "The head of the request is too large"),
    # Of no standard: so nginx calls it, and many after it. It is for the log; hardly a client sees it.
    "client-left": (499, "The client closed the connection"),
    "internal-error": (500, "A fault of the service"),
    "not-implemented": (501, "The service can't do this"),
    "out-of-resources": (503, "The service has no room for this now; try again"),
    "starting": (503, "The service starts; try again"),
    "read-only": (503, "This host only reads; send it to another one"),
    "store-unavailable": (503, "The store did not confirm; try again"),
    "query-too-slow": (503, "The query takes too long; ask for less"),
    "too-busy": (503, "Service overloaded; try again"),
    "read-models-behind": (503, "The read models are not there yet; try again"),
    "version-not-supported": (505, "This version of HTTP is not spoken here"),
}
_BY_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "body-too-large",
    415: "unsupported-media-type",
    503: "store-unavailable",
}


class ProblemError(Exception):
    """An answer that is a problem: one of `PROBLEMS` by name, with what it needs to be understood."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        errors: list[Any] | None = None,
        headers: dict[str, str] | None = None,
        **members: object,
    ) -> None:
        """Say what and where in `detail`; `members` extend the problem."""
        super().__init__(detail)
        self.name = name
        self.detail = detail
        self.members = members if errors is None else {"errors": errors, **members}
        self.headers = headers or {}


def out_of_resources(error: BaseException) -> ProblemError:
    """Return the problem of a request for which no memory, thread, process or file was to be had."""
    log.error("out of resources", error=str(error), kind=type(error).__name__)
    return ProblemError("out-of-resources", _NO_ROOM)


def problem_response(request: Request[Any, Any, Any], problem: ProblemError) -> Response[Any]:
    """Build the answer of a problem."""
    status, title = PROBLEMS[problem.name]
    headers = dict(problem.headers)
    may_be_sent_again = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
    if status in may_be_sent_again or problem.name == "not-sealed":
        headers.setdefault("Retry-After", str(_RETRY_AFTER_S))
    body = {
        "type": TYPE_PREFIX + problem.name,
        "title": title,
        "status": status,
        "detail": problem.detail,
        "request_id": request.scope["state"].get("request_id"),
        **problem.members,
    }
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _of_problem(request: Request[Any, Any, Any], error: ProblemError) -> Response[Any]:
    return problem_response(request, error)


def _of_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if (
        error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        and error.status_code not in _BY_STATUS
    ):
        return _of_fault(request, error)
    name = _BY_STATUS.get(error.status_code, "bad-request")
    return problem_response(
        request, ProblemError(name, PROBLEMS[name][1], headers=dict(error.headers or {}))
    )


def _of_unavailable(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("store unavailable", error=str(error), kind=type(error).__name__)
    detail = "The store is out of reach or did not confirm. Sending the same request again is safe."
    return problem_response(request, ProblemError("store-unavailable", detail))


def _of_missing_right(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Refuse for now: it is for the operator to give the right back, and readiness says which one."""
    log.error("a right is missing in the database", error=str(error))
    detail = "The service lacks a right in its database. Sending the same request again is safe."
    return problem_response(request, ProblemError("store-unavailable", detail))


def _of_client_left(request: Request[Any, Any, Any], error: ClientLeftError) -> Response[Any]:
    return problem_response(request, ProblemError("client-left", str(error)))


def _of_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if is_exhausted(error):
        return problem_response(request, out_of_resources(error))
    log.error("fault of the service", exc_info=error)
    detail = "Something went wrong here, not with the request. It was logged under the request_id."
    return problem_response(request, ProblemError("internal-error", detail))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    ProblemError: _of_problem,
    ClientLeftError: _of_client_left,
    HTTPException: _of_http,
    **dict.fromkeys(UNAVAILABLE, _of_unavailable),
    psycopg.errors.InsufficientPrivilege: _of_missing_right,
    Exception: _of_fault,
}
