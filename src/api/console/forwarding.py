"""What a browser asks the API itself: a path below `/console/api/` is one of `/api/`, with the session's key.

So scripts and links have answers of the API as they are, streams too, and the key stays in its cookie.
"""

from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Litestar, Request, Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.console.asking import Problem
from api.console.errors import lead_to_login, problem_page
from api.console.paths import HANDED_ON
from api.console.sessions import Sessions
from api.console.visits import NobodyError
from api.http.problems import ProblemError, problem_response

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
_FIRST_REFUSAL = 400
_ONLY_GET = ProblemError(
    "method-not-allowed", "Only GET is handed on to the API.", headers={"Allow": "GET"}
)
_NOBODY = ProblemError("forbidden", "Nobody is logged in: log in at /console/login.")


def forwarding(api: ASGIApp, pages: Litestar, sessions: Sessions) -> ASGIApp:
    """Return an application that hands what `is_handed_on` on to `api`, whose answer is the answer.

    What is refused is a page of `pages` where a person followed a link.
    """

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        found = HANDED_ON.fullmatch(scope["raw_path"])
        assert found is not None  # noqa: S101 (`is_handed_on` looked)
        # In the request's own state Litestar would keep its headers, which are others for the API.
        apart: Any = {**scope, "state": {**scope["state"]}, "litestar_app": pages}
        request: Request[Any, Any, Any] = Request(apart)
        accept = _ACCEPTS[found[1]]
        session = sessions.read(request)
        answer: Response[Any]
        if scope["method"] != "GET":  # type: ignore[typeddict-item]  # HEAD comes as GET
            answer = problem_response(request, _ONLY_GET)
        elif session is None and accept is None:
            answer = problem_response(request, _NOBODY)
        elif session is None:
            answer = lead_to_login(
                request, NobodyError("ended" if sessions.has_ended(request) else None)
            )
        else:
            handed_on = _handed_on(scope, b"/api" + found[2], session.key, accept)
            shown = send if accept is None else _with_pages(request, receive, send)
            await api(handed_on, receive, shown)
            return
        await answer.to_asgi_response(app=None, request=request)(scope, receive, send)

    return forward


def _handed_on(scope: Scope, raw_path: bytes, key: str, accept: bytes | None) -> Any:
    """Return a request as the API gets it."""
    headers = {name: value for name, value in scope["headers"] if name in _KEPT}
    headers[b"x-api-key"] = key.encode()
    if accept is not None:
        headers[b"accept"] = accept
    path = unquote(raw_path.decode("ascii"))
    return {**scope, "raw_path": raw_path, "path": path, "headers": [*headers.items()]}


def _with_pages(request: Request[Any, Any, Any], receive: Receive, send: Send) -> Send:
    """Wrap `send`: a problem becomes a page."""
    refused: list[bytes] | None = None

    async def send_or_show(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] >= _FIRST_REFUSAL:
            refused = []
        elif refused is None or message["type"] != "http.response.body":
            await send(message)
        else:
            refused.append(message["body"])
            if not message["more_body"]:
                problem = msgspec.json.decode(b"".join(refused), type=Problem)
                shown = problem_page(request, problem)
                await shown.to_asgi_response(app=None, request=request)(
                    request.scope, receive, send
                )

    return send_or_show
