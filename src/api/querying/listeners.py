"""Listeners that have all there is of a log wait together: what comes is read and written out once for all.

The bytes go straight to their connections, without a task for each. Who can't take them at once, or is to get
more than a little, gets them in its own time, as any other stream.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from api.http.direct import Framed, Write, framed
from api.http.sending import SLICE_BYTES
from api.querying.positions import Awaited, Positions
from app.log.history import HistoryFilters, Stretch, event_stream_message, is_of

HEARTBEAT_S = 4.0
"""How often a listener hears from us, and its key is looked at again: a revocation holds within 10 s."""

COMMENT = b":\n\n"

_WRITTEN_AT_ONCE = 100

# A query for each of several filters costs about as much as so many events that are read without any.
_EVENTS_A_QUERY = 50


class Piece(NamedTuple):
    """What was read: entries written out, the position after which to go on (None at `until`)."""

    lines: bytes
    after: int | None
    until: int

    @property
    def next(self) -> int:
        """The position after which to go on, there or when more is recorded."""
        return self.until if self.after is None else self.after


class Found(NamedTuple):
    """What is new in a log up to its head; None where that is more than was asked for."""

    stretch: Stretch | None
    head: int


Read = Callable[[HistoryFilters, int, int | None], Awaitable[Found]]
"""Read what is new for some filters after a position, at most so many events of the log (None: any)."""


class Listener:
    """A client that follows a log, and has all that its filters let through up to `at`.

    `check` raises where its key, which `key` stands for, or its log is no longer what it was.
    """

    def __init__(
        self,
        filters: HistoryFilters,
        at: int,
        *,
        write: Write,
        read: Read,
        key: Hashable,
        check: Callable[[], Awaitable[None]],
    ) -> None:
        """Follow from `at` on; pieces go out by `write`."""
        self.filters = filters
        self.at = at
        self.write = write
        self.read = read
        self.key = key
        self.check = check
        self.over: asyncio.Future[Piece | None] = asyncio.get_running_loop().create_future()

    def hand_over(self, piece: Piece | None) -> None:
        """Let its own task go on, with a piece to send, or to read by itself."""
        if not self.over.done():
            self.over.set_result(piece)


class Listeners:
    """Those of a process, by what they can share. For one event loop."""

    def __init__(self, positions: Positions) -> None:
        """Learn by `positions` where logs grow."""
        self._positions = positions
        self._channels: dict[Hashable, _Channel] = {}

    async def follow(self, listener: Listener, tenant_id: int, log_id: bytes) -> Piece | None:
        """Let a listener have what is recorded, for as long as it takes it at once.

        Returns what its own task is to send, or None where that is to read on after `listener.at`, or the
        process ends. Raises what `check`, `read` and the store raise.
        """
        has_times = listener.filters.at_or_after is not None or listener.filters.before is not None
        key = (tenant_id, log_id, listener.filters if has_times else None)
        channel = self._channels.get(key)
        if channel is None or channel.has_ended:
            channel = self._channels[key] = _Channel(self._positions, tenant_id, listener.at)
        if listener.at < channel.at:
            return None
        channel.add(listener)
        try:
            return await listener.over
        finally:
            channel.remove(listener)
            if channel.is_empty and self._channels.get(key) is channel:
                del self._channels[key]


class _Channel:
    """Listeners to one log whose filters can be told apart by what an entry shows."""

    def __init__(self, positions: Positions, tenant_id: int, at: int) -> None:
        self.at = at
        self._positions = positions
        self._awaited = Awaited("log", tenant_id)
        # In the order in which they came.
        self._by_filters: dict[HistoryFilters, dict[Listener, None]] = {}
        self._task = asyncio.create_task(self._run())

    @property
    def is_empty(self) -> bool:
        return not self._by_filters

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    def add(self, listener: Listener) -> None:
        self._by_filters.setdefault(listener.filters, {})[listener] = None

    def remove(self, listener: Listener) -> None:
        same = self._by_filters.get(listener.filters, {})
        same.pop(listener, None)
        if not same:
            self._by_filters.pop(listener.filters, None)
        if self.is_empty:
            self._task.cancel()

    def _all(self) -> Iterator[Listener]:
        for same in self._by_filters.values():
            yield from same

    async def _run(self) -> None:
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001  # each listener raises it as its own
            for each in self._all():
                if not each.over.done():
                    each.over.set_exception(error)

    async def _follow(self) -> None:
        beat_s = time.monotonic() + HEARTBEAT_S
        while True:
            left_s = beat_s - time.monotonic()
            has_more = left_s > 0 and await self._positions.reached(
                self._awaited, self.at + 1, timeout_s=left_s
            )
            if self._positions.closed:
                for each in self._all():
                    each.hand_over(None)
                return
            await self._check()
            if has_more:
                if not await self._give_news():
                    return
            else:
                beat_s = time.monotonic() + HEARTBEAT_S
                await self._beat()

    async def _check(self) -> None:
        """Look at each key once; whose is no longer valid goes with that."""
        by_key: dict[Hashable, list[Listener]] = {}
        for each in self._all():
            by_key.setdefault(each.key, []).append(each)
        for of_key in by_key.values():
            try:
                await of_key[0].check()
            except Exception as error:  # noqa: BLE001  # they raise it as their own
                for each in of_key:
                    if not each.over.done():
                        each.over.set_exception(error)

    async def _beat(self) -> None:
        comment = framed(COMMENT)
        await self._write(
            [(each, comment, Piece(COMMENT, None, each.at)) for each in self._all()],
        )

    async def _give_news(self) -> bool:
        """Give each listener what is new to it; tells whether this goes on, as it is not too much."""
        filters = HistoryFilters()
        most: int | None = _EVENTS_A_QUERY * len(self._by_filters)
        if len(self._by_filters) == 1:
            filters, most = next(iter(self._by_filters)), None
        reader = next(self._all(), None)
        if reader is None:
            return False
        found = await reader.read(filters, self.at, most)
        if found.stretch is None:
            for each in self._all():
                each.hand_over(None)
            return False
        before, last = self.at, found.stretch.last_position
        self.at = found.head if last is None else last
        entries = found.stretch.entries
        written = [(entry, event_stream_message(entry)) for entry in entries]
        news = []
        for wanted, same in self._by_filters.items():
            lines = b"".join(message for entry, message in written if is_of(entry, wanted))
            piece = Piece(lines, last, found.head)
            ends = wanted.to_position is not None and piece.next >= wanted.to_position
            out = None if ends or len(lines) > SLICE_BYTES else framed(lines)
            for each in same:
                if each.at == before:
                    news.append((each, out, piece))
                elif each.at < self.at:  # it came with a part of this
                    each.hand_over(None)
        await self._write(news)
        return True

    async def _write(self, pieces: Sequence[tuple[Listener, Framed | None, Piece]]) -> None:
        """Give each listener its piece, which it has then, now or by its own task."""
        for number, (listener, out, piece) in enumerate(pieces, start=1):
            if listener.over.done():
                continue
            if out is None or (out.body and not listener.write(out)):
                listener.hand_over(piece)
            else:
                listener.at = piece.next
            if not number % _WRITTEN_AT_ONCE:
                await asyncio.sleep(0)
