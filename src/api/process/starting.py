"""Answers while the service starts: that it lives, and to all else that it is not ready.

A database that recovers, is migrated or away may take minutes. Whoever asks meanwhile, as a probe that ends
what does not live, must not find a port that nobody answers.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from litestar import Request, Response
from litestar.types import ASGIApp, Receive, Scope, Send

from api.console.starting import starting_page
from api.http.head_method import head_like_get
from api.http.operations import Listening
from api.http.problems import ProblemError, problem_response
from api.http.refusals import refusals
from api.http.request_log import request_log
from api.process.server import Server

_GRACE_S = 1
_REASON = "the service starts: it waits for its database, or brings it up to date"
_DETAIL = "The service starts, and takes no requests yet. The same request can be sent again."


class Early:
    """A server beside the main thread, on sockets that others serve on after it."""

    def __init__(
        self, listeners: Sequence[socket.socket], application: ASGIApp, *, head_timeout_s: float
    ) -> None:
        """Serve on the same sockets as `listeners`, which stay open when it ends."""
        self._sockets = [listener.dup() for listener in listeners]
        self._server = Server(
            application, head_timeout_s=head_timeout_s, grace_s=_GRACE_S, has_lifespan=False
        )
        self._thread = threading.Thread(target=self._server.run, args=[self._sockets], daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Leave the sockets to others. Does nothing where that was done."""
        self._server.should_exit = True
        self._thread.join()


@contextmanager
def answering(
    listener: socket.socket, for_operators: socket.socket | None, *, head_timeout_s: float
) -> Iterator[Early]:
    """Answer on a service's listeners until the end of the block, or until `end` is called."""
    apart = [] if for_operators is None else [for_operators]
    application = request_log(refusals(head_like_get(_starting(Listening(apart)))))
    with ExitStack() as ends:
        early = Early([listener, *apart], application, head_timeout_s=head_timeout_s)
        ends.callback(early.end)
        yield early


def _starting(for_operators: Listening) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        health = request.url.path if for_operators.serves_operators(scope) else ""
        match health:
            case "/health/live":
                answer: Response[Any] = Response({"status": "live"})
            case "/health/ready":
                waiting = {"status": "waiting", "reason": _REASON}
                answer = Response(waiting, status_code=503, headers={"Retry-After": "1"})
            case _:
                refusal = problem_response(request, ProblemError("starting", _DETAIL))
                answer = starting_page(scope) or refusal
        await answer.to_asgi_response(app=None, request=request)(scope, receive, send)

    return application
