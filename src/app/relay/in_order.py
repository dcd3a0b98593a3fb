"""Sending in order: of each stream one message is under way at a time, of all together as many as may be.

Whatever fails, no later event of a stream has gone before an earlier one, and it is known up to which
position all is confirmed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.relay.reading import Message

Send = Callable[[Message], Awaitable["asyncio.Future[None]"]]
"""Hand a message over; the future is done when the target has confirmed it, or failed."""

_WAITING_FOR_EACH = 8
"""How many messages wait for others of their streams, for each that may be under way."""


class StoppedError(Exception):
    """Nothing more is sent."""


class _Place(NamedTuple):
    """A position, and whether it is of a message."""

    position: int
    is_message: bool


class InOrder:
    """Sends messages, by positions that grow. For one task and one event loop."""

    def __init__(self, send: Send, *, most: int, position: int, cautious: bool = False) -> None:
        """Send after `position`, `most` at once; a `cautious` one sends its first message alone."""
        self._send = send
        self._most = most
        self._allowed = 1 if cautious else most
        self._places: deque[_Place] = deque()
        self._confirmed_beyond: set[int] = set()
        self._busy: set[str] = set()
        self._under_way = 0
        self._waiting: dict[str, deque[Message]] = {}
        self._held = 0
        self._ready: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._error: BaseException | None = None
        self.confirmed = position
        """The position up to which all is confirmed or left out."""
        self.delivered = 0
        """How many messages are confirmed up to there."""

    async def put(self, message: Message) -> None:
        """Send a message when its turn comes, and wait until there is room for another.

        Raises what sending one of those before raised; then nothing more is sent.
        """
        self._raise()
        self._places.append(_Place(message.position, is_message=True))
        if message.stream in self._busy:
            self._waiting.setdefault(message.stream, deque()).append(message)
            self._held += 1
        else:
            self._busy.add(message.stream)
            await self._begin(message)
        await self._until(self._has_room)

    def pass_over(self, position: int) -> None:
        """Leave out what is up to a position."""
        self._places.append(_Place(position, is_message=False))
        self._settle()

    async def drain(self) -> None:
        """Wait until all is confirmed. Raises as `put` does."""
        await self._until(lambda: not self._busy)

    def halt(self) -> None:
        """Send nothing more: who puts gets StoppedError."""
        self._error = self._error or StoppedError()

    async def stop(self) -> None:
        """Send nothing more, and wait for what is under way."""
        self.halt()
        while self._under_way:
            self._changed.clear()
            await self._changed.wait()

    def _has_room(self) -> bool:
        return (
            not self._ready
            and self._under_way < self._allowed
            and self._held < _WAITING_FOR_EACH * self._most
        )

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Send what may be sent by now, until something is so."""
        while True:
            while self._ready and self._under_way < self._allowed and self._error is None:
                self._held -= 1
                await self._begin(self._ready.popleft())
            self._raise()
            if is_so():
                return
            self._changed.clear()
            await self._changed.wait()

    async def _begin(self, message: Message) -> None:
        self._under_way += 1
        try:
            future = await self._send(message)
        except BaseException as error:
            self._under_way -= 1
            self._error = self._error or error
            raise
        future.add_done_callback(lambda done: self._done(message, done))

    def _done(self, message: Message, future: "asyncio.Future[None]") -> None:
        self._under_way -= 1
        if future.cancelled():
            self._error = self._error or StoppedError()
        elif (error := future.exception()) is not None:
            self._error = self._error or error
        else:
            self._allowed = self._most
            self._confirmed_beyond.add(message.position)
            self._settle()
            waiting = self._waiting.get(message.stream)
            if waiting is None:
                self._busy.discard(message.stream)
            else:
                self._ready.append(waiting.popleft())
                if not waiting:
                    del self._waiting[message.stream]
        self._changed.set()

    def _settle(self) -> None:
        """Move `confirmed` on over what is confirmed by now."""
        while self._places:
            position, is_message = self._places[0]
            if is_message:
                if position not in self._confirmed_beyond:
                    return
                self._confirmed_beyond.discard(position)
                self.delivered += 1
            self.confirmed = position
            self._places.popleft()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
