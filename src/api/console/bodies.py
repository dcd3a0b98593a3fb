"""Bodies of forms: whole, and in time, or they are refused."""

import asyncio
from typing import Any

from litestar.types import ASGIApp, Middleware, Receive, Scope, Send

from api.http.problems import ProblemError
from api.http.refusals import BODY_FAULT

_TOO_SLOW = "The form took too long to arrive."
_BROKEN_OFF = "The form ended before it was whole."


def bodies(timeout_s: float) -> Middleware:
    """Return a middleware: who reads a body gets all of it within `timeout_s`, or ProblemError."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            until_s = asyncio.get_running_loop().time() + timeout_s
            whole = scope["method"] == "GET"  # type: ignore[typeddict-item]  # nothing but HTTP is routed

            async def receive_in_time() -> Any:
                nonlocal whole
                if whole:
                    return await receive()
                try:
                    async with asyncio.timeout_at(until_s):
                        message: Any = await receive()
                except TimeoutError:
                    raise ProblemError("body-too-slow", _TOO_SLOW) from None
                if message["type"] == "http.disconnect":
                    detail = scope["state"].get(BODY_FAULT, _BROKEN_OFF)
                    raise ProblemError("malformed-body", detail)
                whole = not message["more_body"]
                return message

            await app(scope, receive_in_time, send)

        return wrapped

    return wrap
