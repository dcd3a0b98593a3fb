"""Work that ends when the client leaves who asked for it."""

import asyncio
from types import TracebackType
from typing import Self

from litestar.types import Receive, Scope

NO_MORE_COMES = "no_more_comes"
"""Where in a request's state the protocol notes that the client has closed its side of the connection.

Whether it is gone, or waits for its answer and asks nothing more, TCP does not tell before that is sent.
"""

HAS_LEFT = "has_left"
"""Where it notes that the connection is lost."""

_GRACE_S = 0.02
_LOOK_S = 1.0


class ClientLeftError(Exception):
    """The client closed the connection, or its side of it, before there was an answer."""


class WhileClientStays:
    """Cancels the block where the client leaves, and raises ClientLeftError from it.

    Most answers are there before it would be worth the while to listen: that begins after 20 ms. A body
    that comes meanwhile is thrown away. Who has closed its side is waited for a second or two, and then taken
    to be gone.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Hear from the ASGI server whether the client is there."""
        self._scope = scope
        self._receive = receive
        self._left = False
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen, soon."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cancelled")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(_GRACE_S, self._listen)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        if not self._left:
            return
        # As asyncio.timeout does: a cancellation by somebody else goes its way.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ClientLeftError(
                "The connection was closed before there was an answer."
            ) from error

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener = loop.create_task(self._until_it_leaves())
        self._timer = loop.call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        if NO_MORE_COMES in self._scope["state"]:
            self._end()
        else:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    async def _until_it_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end()

    def _end(self) -> None:
        if not self._left:
            self._left = True
            self._task.cancel()
