"""A deadline for each request: whatever it waits for, its answer begins in time."""

import asyncio
from typing import Any

import structlog
from litestar import Request
from litestar.types import ASGIApp, Message, Middleware, Receive, Scope, Send

from api.http.problems import ProblemError, problem_response

log = structlog.get_logger()


def deadlines(timeout_s: float) -> Middleware:
    """Return a middleware: an answer that did not begin after `timeout_s` is 503 (`store-unavailable`).

    The time in which the body arrives does not count: that has limits of its own. Nor does what comes after
    the head of the answer. What the request asked of the store may be done all the same.
    """

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            loop = asyncio.get_running_loop()
            whole = begun = False
            over = asyncio.Event()

            async def receive_untimed() -> Any:
                nonlocal whole
                if whole or begun or over.is_set() or deadline.expired():
                    return await receive()
                left_s = (deadline.when() or 0.0) - loop.time()
                deadline.reschedule(None)
                try:
                    message = await receive()
                finally:
                    # Who waits for a client to leave may do so for longer than there is a deadline.
                    if not (over.is_set() or deadline.expired()):
                        deadline.reschedule(loop.time() + left_s)
                whole = not message.get("more_body", False)
                return message

            async def send_in_time(message: Message) -> None:
                nonlocal begun
                if message["type"] == "http.response.start" and not begun:
                    begun = True
                    deadline.reschedule(None)
                await send(message)

            try:
                async with asyncio.timeout(timeout_s) as deadline:
                    await app(scope, receive_untimed, send_in_time)
            except TimeoutError:
                if begun or not deadline.expired():
                    raise
                await _refuse(scope, receive, send, timeout_s)
            finally:
                over.set()

        return wrapped

    return wrap


async def _refuse(scope: Scope, receive: Receive, send: Send, timeout_s: float) -> None:
    log.warning("a request was not answered in time", timeout_s=timeout_s)
    detail = (
        f"The store did not answer within {timeout_s:g} s. Whether it did what was asked is not known."
        " Sending the same request again is safe."
    )
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    answer = problem_response(request, ProblemError("store-unavailable", detail))
    await answer.to_asgi_response(app=None, request=request)(scope, receive, send)
