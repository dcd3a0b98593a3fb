"""Sending answers no faster than clients take them, and giving up on those who take nothing.

What the server is given it keeps until the client takes it. So it is given little at once, and what waits for
that is counted.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseBodyEvent, Message, Receive, Scope, Send

from api.http.streams import BrokenOffError

SLICE_BYTES = 65_536
"""How much the server is given at once."""

Unsent = Callable[[Scope, int], AbstractContextManager[None]]
"""Counts bytes of a request's answer that are not sent yet."""

log = structlog.get_logger()


class StalledError(BrokenOffError):
    """The client takes nothing any more: there is no use in waiting until it has taken the rest."""


def bounded_sending(app: ASGIApp, *, unsent: Unsent, timeout_s: float) -> ASGIApp:
    """Wrap `app`: large answers go in slices, and are counted by `unsent` meanwhile.

    A client that does not make room for a slice within `timeout_s` is given up: StalledError comes out.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        stalled = False

        async def send_in_time(message: Message) -> None:
            nonlocal stalled
            if stalled:
                raise StalledError
            try:
                async with asyncio.timeout(timeout_s):
                    await send(message)
            except TimeoutError:
                stalled = True
                log.warning("a client takes nothing of its answer", waited_s=timeout_s)
                raise StalledError from None

        async def send_in_slices(message: Message) -> None:
            body = message.get("body", b"") if message["type"] == "http.response.body" else b""
            if len(body) <= SLICE_BYTES:
                await send_in_time(message)
                return
            with unsent(scope, len(body)):
                more = bool(message.get("more_body", False))
                for start in range(0, len(body), SLICE_BYTES):
                    end = start + SLICE_BYTES
                    part: HTTPResponseBodyEvent = {
                        "type": "http.response.body",
                        "body": body[start:end],
                        "more_body": more or end < len(body),
                    }
                    await send_in_time(part)

        try:
            await app(scope, receive, send_in_slices)
        finally:
            if stalled:
                raise StalledError

    return wrapped
