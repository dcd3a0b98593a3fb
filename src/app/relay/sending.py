"""One subscription, being sent: the log read piece by piece, sent in order, and how far that is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from app.relay.in_order import InOrder
from app.relay.reading import Piece
from app.relay.targets.target import Target
from app.relay.turns import Claimed

Read = Callable[[int], Awaitable[Piece]]
"""Read the next piece of the log after a position."""

Advance = Callable[[int, int, int], Awaitable[None]]
"""Keep that it is at one position no more, but at another, by so many messages."""


class Sending:
    """Sends what a claimed subscription has to send. For one event loop."""

    def __init__(
        self, target: Target, claimed: Claimed, *, read: Read, advance: Advance, save_s: float
    ) -> None:
        """Keep every `save_s` seconds how far it is, by `advance`."""
        self._read = read
        self._advance = advance
        self._save_s = save_s
        self._after = claimed.position
        self._in_order = InOrder(
            target.send,
            most=target.most,
            position=claimed.position,
            cautious=claimed.failures > 0,
        )
        self._saved = (claimed.position, 0)
        self._is_over = asyncio.Event()
        self._is_ending = False

    @property
    def delivered(self) -> int:
        """How many messages were confirmed."""
        return self._in_order.delivered

    def end(self) -> None:
        """Begin with no further message."""
        self._is_ending = True

    async def run(self) -> None:
        """Send until there is nothing more. What is under way at the end is waited for, and kept.

        Raises DeliveryError, LostError, and what reading and `advance` raise.
        """
        keeping = asyncio.create_task(self._keep())
        putting = asyncio.create_task(self._put_all())
        try:
            await asyncio.wait([keeping, putting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # What sends may swallow that it is cancelled, and would go on.
            self._in_order.halt()
            await _end(putting)
            await self._in_order.stop()
            self._is_over.set()
            await keeping
        putting.result()

    async def _put_all(self) -> None:
        """Put the log in, the next piece of it read while one is sent."""
        reading = asyncio.ensure_future(self._read(self._after))
        try:
            while True:
                piece = await reading
                has_more = piece.has_more and not self._is_ending
                if has_more:
                    reading = asyncio.ensure_future(self._read(piece.until))
                for message in piece.messages:
                    if self._is_ending:
                        break
                    await self._in_order.put(message)
                else:
                    self._in_order.pass_over(piece.until)
                if not has_more or self._is_ending:
                    await self._in_order.drain()
                    return
        finally:
            await _end(reading)

    async def _keep(self) -> None:
        """Keep how far it is, and by that the claim, again and again, and once it is over."""
        is_over = False
        while not is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._save_s):
                    await self._is_over.wait()
            is_over = self._is_over.is_set()
            before, delivered_before = self._saved
            position, delivered = self._in_order.confirmed, self._in_order.delivered
            await self._advance(before, position, delivered - delivered_before)
            self._saved = (position, delivered)


async def _end(task: "asyncio.Future[Any]") -> None:
    """End a task, and wait until it has; what it raises is its own."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
