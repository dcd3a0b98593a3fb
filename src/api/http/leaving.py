"""Work that ends when the client leaves who asked for it."""

import asyncio
from types import TracebackType
from typing import Self

from litestar.types import Receive

_GRACE_S = 0.02


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


class WhileClientStays:
    """Cancels the block where the client leaves, and raises ClientLeftError from it.

    Most answers are there before it would be worth the while to listen: that begins after 20 ms. A body
    that comes meanwhile is thrown away.
    """

    def __init__(self, receive: Receive) -> None:
        """Hear by `receive`, the ASGI server's, whether the client is there."""
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
            raise ClientLeftError from error

    def _listen(self) -> None:
        self._listener = asyncio.get_running_loop().create_task(self._until_it_leaves())

    async def _until_it_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()
