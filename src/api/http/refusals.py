"""Requests that no route is asked about: those that HTTP forbids, and OPTIONS for the server as a whole."""

from typing import Any

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http.problems import ProblemError, problem_response

REFUSAL = "refusal"
"""Where in a request's state the protocol leaves the problem that it is to be answered with."""

BODY_FAULT = "body_fault"
"""Where in a request's state it says what is wrong with the framing of its body."""

_METHODS = "GET, HEAD, OPTIONS, POST"


def refusals(app: ASGIApp) -> ASGIApp:
    """Wrap `app`, which gets the requests that are fit for a route."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        refusal: ProblemError | None = scope["state"].get(REFUSAL)
        if refusal is None and scope["raw_path"] != b"*":
            await app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        answer = (
            Response(None, status_code=204, headers={"Allow": _METHODS})
            if refusal is None
            else problem_response(request, refusal)
        )
        await answer.to_asgi_response(app=None, request=request)(scope, receive, send)

    return wrapped
