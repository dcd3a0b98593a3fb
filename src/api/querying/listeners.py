"""Listeners that have all there is of a log wait together: what comes is read and written out once for all.

The bytes go straight to their connections, without a task for each. Who can't take them at once, or is to get
more than a little, gets them in its own time, as any other stream.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from typing import NamedTuple

from api.http.direct import Framed, Write, framed
from api.http.sending import SLICE_BYTES
from api.querying.positions import Awaited, Positions
from app.log.history import HistoryFilters, Stretch, is_of
from app.log.history_lines import event_stream_message

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
        # A piece for its own task to send, or None where that is to read on by itself.
        self.over: asyncio.Future[Piece | None] = asyncio.get_running_loop().create_future()


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


class _Alike:
    """Listeners with the same filters, in the order in which they came."""

    def __init__(self, filters: HistoryFilters) -> None:
        self.filters = filters
        self.listeners: dict[Listener, None] = {}

    def has_all(self, position: int) -> bool:
        """Return whether nothing can follow a position."""
        return self.filters.to_position is not None and position >= self.filters.to_position


class _Channel:
    """Listeners to one log whose filters can be told apart by what an entry shows.

    All have what their filters let through up to `at`, but for those that came with more.
    """

    def __init__(self, positions: Positions, tenant_id: int, at: int) -> None:
        self.at = at
        self._positions = positions
        self._awaited = Awaited("log", tenant_id)
        self._alike: dict[HistoryFilters, _Alike] = {}
        # The same by the one stream from which they are to hear, None where that may be any.
        self._by_stream: dict[str | None, dict[HistoryFilters, _Alike]] = {}
        self._by_key: dict[Hashable, dict[Listener, None]] = {}
        self._ahead: set[Listener] = set()
        self._task = asyncio.create_task(self._run())

    @property
    def is_empty(self) -> bool:
        return not self._by_key

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    def add(self, listener: Listener) -> None:
        filters = listener.filters
        alike = self._alike.get(filters)
        if alike is None:
            alike = self._alike[filters] = _Alike(filters)
            self._by_stream.setdefault(_heard(filters), {})[filters] = alike
        alike.listeners[listener] = None
        self._by_key.setdefault(listener.key, {})[listener] = None
        if listener.at > self.at:
            self._ahead.add(listener)

    def remove(self, listener: Listener) -> None:
        filters, stream = listener.filters, _heard(listener.filters)
        self._ahead.discard(listener)
        alike = self._alike[filters]
        del alike.listeners[listener]
        if not alike.listeners:
            del self._alike[filters], self._by_stream[stream][filters]
            if not self._by_stream[stream]:
                del self._by_stream[stream]
        of_key = self._by_key[listener.key]
        del of_key[listener]
        if not of_key:
            del self._by_key[listener.key]
        if self.is_empty:
            self._task.cancel()

    def _all(self) -> list[Listener]:
        return [each for alike in self._alike.values() for each in alike.listeners]

    async def _run(self) -> None:
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001  # each listener raises it as its own
            _fail(self._all(), error)

    async def _follow(self) -> None:
        beat_s = time.monotonic() + HEARTBEAT_S
        while True:
            left_s = beat_s - time.monotonic()
            has_more = left_s > 0 and await self._positions.reached(
                self._awaited, self.at + 1, timeout_s=left_s
            )
            if self._positions.closed:
                self._hand_back(self._all())
                return
            await asyncio.gather(*map(self._check, list(self._by_key)))
            if has_more:
                if not await self._give_news():
                    return
            else:
                beat_s = time.monotonic() + HEARTBEAT_S
                level = [each for each in self._all() if each not in self._ahead]
                await self._write(level, framed(COMMENT), Piece(COMMENT, None, self.at))

    async def _check(self, key: Hashable) -> None:
        """Look at a key once for all who have it; if it is no longer valid, they go with that."""
        of_key = list(self._by_key.get(key, ()))
        try:
            for any_of_them in of_key[:1]:
                await any_of_them.check()
        except Exception as error:  # noqa: BLE001  # they raise it as their own
            _fail(of_key, error)

    async def _give_news(self) -> bool:
        """Give each listener what is new to it; tells whether this goes on, as it is not too much."""
        if self.is_empty:
            return False
        only, most = HistoryFilters(), _EVENTS_A_QUERY * len(self._alike)
        is_shared = len(self._alike) > 1
        if not is_shared:
            only = next(iter(self._alike))
        found = await self._all()[0].read(only, self.at, most if is_shared else None)
        if found.stretch is None:
            self._hand_back(self._all())
            return False
        if not is_shared:
            # Who came meanwhile with other filters has nothing of what was read.
            others = (alike for filters, alike in self._alike.items() if filters != only)
            self._hand_back([each for alike in others for each in alike.listeners])
        self.at = found.head if found.stretch.last_position is None else found.stretch.last_position
        had = frozenset(self._ahead)
        self._hand_back([each for each in had if each.at < self.at])
        self._ahead = {each for each in had if each.at > self.at}
        for listeners, out, piece in self._addressed(found.stretch, found.head, had):
            await self._write(listeners, out, piece)
        return True

    def _addressed(
        self, stretch: Stretch, head: int, had: Collection[Listener]
    ) -> list[tuple[list[Listener], Framed | None, Piece]]:
        """Write out what is new, for all who are to have it at this moment: whoever comes next has it."""
        written = [(entry, event_stream_message(entry)) for entry in stretch.entries]
        streams = [None, *dict.fromkeys(entry.stream for entry in stretch.entries)]
        found = []
        for alike in [each for of in streams for each in self._by_stream.get(of, {}).values()]:
            lines = b"".join(message for entry, message in written if is_of(entry, alike.filters))
            by_own_task = len(lines) > SLICE_BYTES or alike.has_all(self.at)
            if lines or by_own_task:
                listeners = [each for each in alike.listeners if each not in had]
                out = None if by_own_task else framed(lines)
                found.append((listeners, out, Piece(lines, stretch.last_position, head)))
        return found

    async def _write(self, listeners: Sequence[Listener], out: Framed | None, piece: Piece) -> None:
        """Give a piece to each, at once or, without `out`, by its own task."""
        for number, listener in enumerate(listeners, start=1):
            if not listener.over.done() and (out is None or not listener.write(out)):
                listener.over.set_result(piece)
            if not number % _WRITTEN_AT_ONCE:
                await asyncio.sleep(0)

    def _hand_back(self, listeners: Iterable[Listener]) -> None:
        """Let listeners read on by themselves, after what they have."""
        for each in listeners:
            if each not in self._ahead:
                each.at = self.at
            if not each.over.done():
                each.over.set_result(None)


def _heard(filters: HistoryFilters) -> str | None:
    """Return the one stream of which a listener hears, None for any: also where it has an end to hear of."""
    return None if filters.to_position is not None else filters.stream()


def _fail(listeners: Iterable[Listener], error: Exception) -> None:
    for each in listeners:
        if not each.over.done():
            each.over.set_exception(error)
