"""A deadline for each request: whatever it waits for, its answer begins in time."""

import asyncio
from typing import Any

import structlog
from litestar import Request
from litestar.types import ASGIApp, Message, Middleware, Receive, Scope, Send

from api.http.problems import ProblemError, problem_response

log = structlog.get_logger()

# How often is looked, in a deadline: one timer for all. One for each request, set anew around its body,
# took a tenth of the processor time of a request of one event.
_LOOKS = 10
_RARELY_S = 1.0


def deadlines(timeout_s: float) -> Middleware:
    """Return a middleware: an answer that did not begin after `timeout_s` is 503 (`store-unavailable`).

    It may take a tenth longer, a second at most. The time in which the body arrives does not count: that
    has limits of its own. Nor does what comes after the head of the answer. What the request asked of the
    store may be done all the same.
    """
    watch = _Watch(timeout_s)

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            deadline = watch.begin()
            whole = False

            async def receive_untimed() -> Any:
                nonlocal whole
                if whole or not deadline.holds:
                    return await receive()
                # Who waits for a client to leave may do so for longer than there is a deadline.
                left_s = deadline.pause()
                try:
                    message = await receive()
                finally:
                    deadline.go_on(left_s)
                whole = not message.get("more_body", False)
                return message

            async def send_in_time(message: Message) -> None:
                if deadline.holds and message["type"] == "http.response.start":
                    watch.end(deadline)
                await send(message)

            try:
                await app(scope, receive_untimed, send_in_time)
            except asyncio.CancelledError:
                if not deadline.is_what_cancelled():
                    raise
                await _refuse(scope, receive, send, timeout_s)
            finally:
                watch.end(deadline)

        return wrapped

    return wrap


class _Deadline:
    """Until when the answer of a request is to begin."""

    __slots__ = ("_cancelled_before", "_due_s", "_is_over", "_loop", "_task", "holds")

    def __init__(self, due_s: float, loop: asyncio.AbstractEventLoop) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (each request is one)
        self._task = task
        self._loop = loop
        self._due_s: float | None = due_s
        self._cancelled_before = task.cancelling()
        self._is_over = False
        self.holds = True

    def pause(self) -> float | None:
        """Let no time count; returns what is left."""
        due_s, self._due_s = self._due_s, None
        return None if due_s is None else due_s - self._loop.time()

    def go_on(self, left_s: float | None) -> None:
        """Count again, if it did before."""
        if left_s is not None:
            self._due_s = self._loop.time() + left_s

    def cancel_if_over(self) -> bool:
        """Cancel the request if its time is over; returns whether it is."""
        if self._due_s is None or self._loop.time() < self._due_s:
            return False
        self._is_over = True
        self.holds = False
        self._task.cancel()
        return True

    def is_what_cancelled(self) -> bool:
        """Take the cancellation back if it is this deadline's alone, as `asyncio.timeout` does."""
        return self._is_over and self._task.uncancel() <= self._cancelled_before


class _Watch:
    """Looks after the deadlines of all requests of an event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._every_s = min(timeout_s / _LOOKS, _RARELY_S)
        self._running: set[_Deadline] = set()
        self._looks = False

    def begin(self) -> _Deadline:
        loop = asyncio.get_running_loop()
        deadline = _Deadline(loop.time() + self._timeout_s, loop)
        self._running.add(deadline)
        if not self._looks:
            self._looks = True
            loop.call_later(self._every_s, self._look, loop)
        return deadline

    def end(self, deadline: _Deadline) -> None:
        deadline.holds = False
        self._running.discard(deadline)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._running -= {each for each in self._running if each.cancel_if_over()}
        self._looks = bool(self._running)
        if self._looks:
            loop.call_later(self._every_s, self._look, loop)


async def _refuse(scope: Scope, receive: Receive, send: Send, timeout_s: float) -> None:
    log.warning("a request was not answered in time", timeout_s=timeout_s)
    detail = (
        f"The store did not answer within {timeout_s:g} s. Whether it did what was asked is not known."
        " Sending the same request again is safe."
    )
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    answer = problem_response(request, ProblemError("store-unavailable", detail))
    await answer.to_asgi_response(app=None, request=request)(scope, receive, send)
