"""Consuming: batch after batch, each acknowledged when it is committed, whatever is away meanwhile.

While one batch is recorded the next one is taken and decoded. Nothing overtakes: a batch that can't be
recorded now is tried again, and the next one waits.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeVar

import structlog

from app.brokers.reaching import BrokerAwayError, BrokerError, LetterRefusedError
from app.consuming.metrics import DEAD_LETTERS, INTERRUPTIONS, ITEMS, LAG, MESSAGES
from app.consuming.recording import Read, Recorder
from app.consuming.source import Message, Source
from postgres.errors import UNAVAILABLE

_Result = TypeVar("_Result")

_TICK_S = 0.25
_LOOKS_EVERY_S = 5
_GRACE_S = 20.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

log = structlog.get_logger()


class Batching(NamedTuple):
    """When a batch is recorded: with so many items, or so long after its first message was taken."""

    most_items: int
    linger_s: float


class _StoppedError(Exception):
    """It is told to stop, and what is in hand can't be finished now."""


class Consumer:
    """Takes what a source gives, until `stop` is set."""

    def __init__(
        self,
        open_source: Callable[[], Awaitable[Source]],
        recorder: Recorder,
        batching: Batching,
        stop: asyncio.Event,
    ) -> None:
        """Open sources by `open_source`, again and again where the broker goes away."""
        self._open_source = open_source
        self._recorder = recorder
        self._batching = batching
        self._stop = stop

    async def run(self) -> None:
        """Consume; ends when `stop` is set and the batch in hand is finished.

        Raises app.brokers.reaching.BrokerError where it can't begin, or a dead letter is refused for good,
        TenantError, and what `Recorder.record` raises but for the store being away.
        """
        pauses, has_begun = _pauses(), False
        while not self._stop.is_set():
            try:
                async with self._opened() as source:
                    log.info("consuming")
                    pauses, has_begun = _pauses(), True
                    await self._consume(source)
            except _StoppedError:
                log.warning("what was in hand is not acknowledged, and comes again")
                return
            except (BrokerAwayError, BrokerError) as error:
                hopeless = not has_begun or isinstance(error, LetterRefusedError)
                if isinstance(error, BrokerError) and hopeless:
                    raise
                INTERRUPTIONS.labels("broker").inc()
                log.warning("waiting for the broker", error=str(error))
                await self._wait(next(pauses))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Source]:
        source = await self._open_source()
        try:
            yield source
        finally:
            with suppress(BrokerAwayError):
                await source.close()

    async def _consume(self, source: Source) -> None:
        taken: deque[Message] = deque()
        watching = asyncio.create_task(self._watch(source))
        upcoming = asyncio.create_task(self._next(source, taken))
        try:
            while True:
                await asyncio.wait([upcoming, watching], return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    await watching
                read = await upcoming
                if read is None:
                    return
                upcoming = asyncio.create_task(self._next(source, taken))
                await self._finish(source, read)
        finally:
            for task in (upcoming, watching):
                task.cancel()
            await asyncio.gather(upcoming, watching, return_exceptions=True)

    async def _next(self, source: Source, taken: deque[Message]) -> Read | None:
        """Take the next batch and decode it; None where it is told to stop."""
        loop = asyncio.get_running_loop()
        batch = self._recorder.new_batch(self._batching.most_items)
        until_s: float | None = None
        while not batch.is_full and not self._stop.is_set():
            if not taken:
                wait_s = _TICK_S if until_s is None else min(until_s - loop.time(), _TICK_S)
                if wait_s <= 0:
                    break
                taken.extend(await source.take(self._batching.most_items, wait_s))
            elif batch.add(taken[0]):
                taken.popleft()
                until_s = until_s or loop.time() + self._batching.linger_s
            else:
                break
        if not batch.messages:
            return None
        return await self._patiently(lambda: self._recorder.read(batch))

    async def _finish(self, source: Source, read: Read) -> None:
        messages = read.batch.messages
        counts, letters = await self._patiently(lambda: self._recorder.record(read))
        if letters:
            await source.set_aside(letters)
            first = letters[0]
            log.warning(
                "messages are set aside",
                messages=len(letters),
                first=first.message.place,
                fault=f"{first.faults[0].pointer} {first.faults[0].detail}".lstrip(),
            )
        if counts.get("conflict"):
            log.warning(
                "items conflict with what is recorded under their unique_id: see /api/v1/conflicts",
                conflicts=counts["conflict"],
            )
        await source.acknowledge(messages)
        MESSAGES.inc(len(messages))
        DEAD_LETTERS.inc(len(letters))
        for outcome, count in counts.items():
            ITEMS.labels(outcome).inc(count)

    async def _patiently(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        """Do work until the store is there for it. Raises _StoppedError where it is told to stop before."""
        pauses = _pauses()
        while True:
            try:
                return await self._unless_stopped(work)
            except UNAVAILABLE as error:
                if self._stop.is_set():
                    raise _StoppedError from error
                INTERRUPTIONS.labels("store").inc()
                log.warning("waiting for the database", error=str(error).strip())
            await self._wait(next(pauses))

    async def _unless_stopped(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        """Do work; when it is told to stop, only for so long more. Raises _StoppedError."""
        task = asyncio.ensure_future(work())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([task], timeout=_GRACE_S)
            if not task.done():
                raise _StoppedError
            return task.result()
        finally:
            for each in (task, stopping):
                each.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)

    async def _watch(self, source: Source) -> None:
        """Keep what was taken, and look now and then how much waits, and whether the broker still serves."""
        for seconds in itertools.count():
            await source.keep()
            if seconds % _LOOKS_EVERY_S == 0:
                lag = await source.lag()
                if lag is not None:
                    LAG.set(lag)
            await asyncio.sleep(1)

    async def _wait(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), pause_s)


def _pauses() -> Iterator[float]:
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
