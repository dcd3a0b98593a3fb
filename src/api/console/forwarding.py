"""What a browser asks the API itself: a path below `/console/api/` is one of `/api/`, with the session's key.

So scripts and links have answers of the API as they are, streams too, and the key stays in its cookie.
"""

import re
from typing import Any
from urllib.parse import unquote

from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

from api.console.sessions import Session, Sessions
from api.http.problems import ProblemError, problem_response

_BELOW = re.compile(rb"/console/(api|csv|ndjson|html)(/v1/.*)", re.DOTALL)
_ACCEPTS = {
    b"api": None,
    b"csv": b"text/csv",
    b"ndjson": b"application/x-ndjson",
    b"html": b"text/html",
}
"""By the part of the path before `/v1/`: what is accepted, as a link can't say it; None for what is sent."""

_KEPT = frozenset(
    [b"accept", b"accept-encoding", b"host", b"last-event-id", b"user-agent", b"x-request-id"]
)


def is_forwarded(scope: Scope) -> bool:
    """Return whether a request is one for the API."""
    return _BELOW.fullmatch(scope["raw_path"]) is not None


def forwarding(api: ASGIApp, sessions: Sessions) -> ASGIApp:
    """Return an application that hands what `is_forwarded` on to `api`, whose answer is the answer."""

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        # In the request's own state Litestar would keep its headers, which are others for the API.
        apart: Any = {**scope, "state": {**scope["state"]}}
        request: Request[Any, Any, Any] = Request(apart)
        try:
            forwarded = _forwarded(scope, sessions.read(request))
        except ProblemError as problem:
            answer = problem_response(request, problem)
            await answer.to_asgi_response(app=None, request=request)(scope, receive, send)
        else:
            await api(forwarded, receive, send)

    return forward


def _forwarded(scope: Any, session: Session | None) -> Any:
    """Return the request as the API gets it. Raises ProblemError."""
    if session is None:
        raise ProblemError("forbidden", "Nobody is logged in: log in at /console/login.")
    if scope["method"] != "GET":  # HEAD comes as GET
        raise ProblemError(
            "method-not-allowed", "Only GET is handed on to the API.", headers={"Allow": "GET"}
        )
    found = _BELOW.fullmatch(scope["raw_path"])
    assert found is not None  # noqa: S101 (`is_forwarded` looked)
    accept, raw_path = _ACCEPTS[found[1]], b"/api" + found[2]
    headers = {name: value for name, value in scope["headers"] if name in _KEPT}
    headers |= {b"x-api-key": session.key.encode(), **({b"accept": accept} if accept else {})}
    path = unquote(raw_path.decode("ascii"))
    return {**scope, "raw_path": raw_path, "path": path, "headers": [*headers.items()]}
