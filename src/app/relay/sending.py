"""One subscription, being sent: the log read piece by piece, sent in order, and how far that is kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from app.relay.in_order import InOrder
from app.relay.reading import Message, Piece
from app.relay.targets.target import Target
from app.relay.turns import Claimed, LostError

Read = Callable[[int, int], Awaitable[Piece]]
"""Read the next piece of the log after a position, of so many messages at most."""

Advance = Callable[[int, int, int], Awaitable[None]]
"""Keep that it is at one position no more, but at another, by so many messages."""

_READ_FOR_EACH = 4
"""How many messages are read at once, for each that may be under way."""

_OLD_S = 5.0


class Sending:
    """Sends what a claimed subscription has to send. For one event loop."""

    def __init__(
        self, target: Target, claimed: Claimed, *, read: Read, advance: Advance, save_s: float
    ) -> None:
        """Keep every `save_s` seconds how far it is, by `advance`."""
        self._target = target
        self._read = read
        self._advance = advance
        self._save_s = save_s
        self._after = claimed.position
        self._in_order = InOrder(
            self._send,
            most=target.most,
            position=claimed.position,
            cautious=claimed.failures > 0,
        )
        # What was read again, by position.
        self._again: dict[int, Message] = {}
        self._saved = (claimed.position, 0)
        self._is_over = asyncio.Event()
        self._is_ending = False
        self.began_s = time.monotonic()
        """Since when it sends, by time.monotonic()."""

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
        """Put the log in, the next piece of it read while one is sent; what got old is read again."""
        most = _READ_FOR_EACH * self._target.most
        after, was_ahead = self._after, False
        reading = asyncio.ensure_future(self._read(after, most))
        try:
            while not self._is_ending:
                piece = await reading
                if piece.has_more:
                    reading = asyncio.ensure_future(self._read(piece.until, most))
                for nth, message in enumerate(piece.messages):
                    # What was read for its own sake is put, however long that took.
                    if self._stops_at(message, was_ahead=nth > 0 or was_ahead):
                        break
                    await self._in_order.put(message)
                    after = message.position
                else:
                    self._in_order.pass_over(piece.until)
                    after, was_ahead = piece.until, True
                    if piece.has_more:
                        continue
                    await self._in_order.drain()
                    return
                await _end(reading)
                reading, was_ahead = asyncio.ensure_future(self._read(after, most)), False
        finally:
            await _end(reading)

    def _stops_at(self, message: Message, *, was_ahead: bool) -> bool:
        return self._is_ending or (was_ahead and _is_old(message))

    async def _send(self, message: Message) -> "asyncio.Future[None]":
        """Send a message as it is now, for it may have been erased while it waited for its stream."""
        if _is_old(message):
            again = self._again.get(message.position)
            if again is None or _is_old(again):
                # Others that wait are near it, and as old.
                most = _READ_FOR_EACH * self._target.most
                piece = await self._read(message.position - 1, most)
                self._again = {each.position: each for each in piece.messages}
                again = self._again.get(message.position)
            if again is None or again.id != message.id:
                raise LostError
            message = again
        return await self._target.send(message)

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


def _is_old(message: Message) -> bool:
    return time.monotonic() - message.read_s > _OLD_S


async def _end(task: "asyncio.Future[Any]") -> None:
    """End a task, and wait until it has; what it raises is its own."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
