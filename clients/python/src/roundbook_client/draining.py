"""What sends a spool's content to the service: a thread of its own, whatever the application does."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from httpx2 import AsyncClient

from roundbook_client.checking import BODY, MAX_BODY_BYTES
from roundbook_client.counters import Counting
from roundbook_client.dead_letters import DeadLetters
from roundbook_client.errors import Closed, NotAcknowledged
from roundbook_client.posting import Poster
from roundbook_client.rules import MAX_ITEMS
from roundbook_client.spool.marks import Mark
from roundbook_client.spool.reading import Batch, Reader
from roundbook_client.spool.records import Position
from roundbook_client.spool.spool import Spool

_AGAIN_S = 1.0

log = logging.getLogger("roundbook_client")


class Drainer:
    """Posts batches, oldest first and one at a time, until each is acknowledged.

    Where a batch ends is noted before it is sent for the first time: after a restart the very same is sent.
    """

    def __init__(
        self,
        http: AsyncClient,
        dead_letters: DeadLetters,
        counting: Counting,
        *,
        batch_items: int,
        linger_s: float,
        slow_retry_s: float,
    ) -> None:
        """Wait `linger_s` for more where nothing is under way, unless somebody flushes."""
        self._http = http
        self._dead_letters = dead_letters
        self._counting = counting
        self._most_items = min(batch_items, MAX_ITEMS)
        self._linger_s = linger_s
        self._slow_retry_s = slow_retry_s
        self._spool: Spool
        self._reader: Reader
        self._poster: Poster
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_ended = False
        self._loop = asyncio.new_event_loop()
        self._more = asyncio.Event()
        self._hurry = asyncio.Event()
        self._acknowledged = threading.Condition()
        self._is_idle = False
        self.problem: str | None = None
        """Why nothing goes through at present."""

    def start(self, spool: Spool) -> None:
        """Begin with what the spool holds."""
        self._spool = spool
        self._reader = Reader(spool)
        if spool.marks.is_damaged:
            log.error(
                "%s: the marks are damaged: all that the spool holds is sent again", spool.folder
            )
        self._thread = threading.Thread(target=self._work, name="roundbook-client", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is more, from any thread."""
        if self._is_idle:
            self._is_idle = False
            self._tell(self._more.set)

    def wait(self, until: Position, timeout_s: float | None) -> None:
        """Return once all before a place is acknowledged. Raises NotAcknowledged, and Closed."""

        def is_done() -> bool:
            return self._spool.marks.mark.acknowledged >= until

        self._tell(self._hurry.set)
        with self._acknowledged:
            has_changed = self._acknowledged.wait_for(
                lambda: is_done() or self._has_ended, timeout_s
            )
        if is_done():
            return
        if has_changed:
            raise Closed(
                f"the client was closed before the service took all of the spool {self._spool.folder};"
                " it is sent at the next start"
            )
        why = f"; at last: {self.problem}" if self.problem else ""
        raise NotAcknowledged(
            f"the service did not take all of the spool {self._spool.folder} within"
            f" {timeout_s:g} s; it is sent as soon as it does{why}"
        )

    def stop(self) -> None:
        """End the thread, wherever it is; what it was sending is sent again at the next start."""
        if self._thread is not None:
            self._tell(self._end)
            self._thread.join()
            self._thread = None

    def _tell(self, what: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(what)

    def _end(self) -> None:
        # It alone: what it waits for is cancelled by it, in good order.
        if self._task is not None:
            self._task.cancel()

    def _work(self) -> None:
        try:
            self._task = self._loop.create_task(self._drain())
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        finally:
            self._loop.close()
            with self._acknowledged:
                self._has_ended = True
                self._acknowledged.notify_all()

    async def _drain(self) -> None:
        async with self._http as http:
            self._poster = Poster(
                http, self._dead_letters, self._counting, self._report, self._slow_retry_s
            )
            while True:
                try:
                    await self._go_on()
                except Exception as error:
                    reason = str(error) or type(error).__name__
                    if reason != self.problem:
                        log.exception(
                            "the spool %s is not drained, and tried again each second: %s",
                            *(self._spool.folder, reason),
                            exc_info=not isinstance(error, OSError),
                        )
                    self._report(reason)
                    await asyncio.sleep(_AGAIN_S)

    async def _go_on(self) -> None:
        mark = self._spool.marks.mark
        done, until = mark.acknowledged, mark.batch_end
        batch = self._next(done, until if until > done else None)
        while True:
            if batch.end == done:
                await self._wait_for_more(done)
                batch = self._next(done, None)
                continue
            if batch.end != self._spool.marks.mark.batch_end:
                self._mark(done, batch.end)
            if batch.records:
                await self._poster.send(batch)
            done = batch.end
            batch = self._next(done, None)
            # What is acknowledged and what follows is noted at once.
            self._mark(done, batch.end)

    def _next(self, after: Position, until: Position | None) -> Batch:
        limit = self._poster.smallest_refused_bytes
        most_bytes = (MAX_BODY_BYTES if limit is None else limit // 2) - len(BODY)
        batch = self._reader.next_batch(after, self._most_items, most_bytes, until)
        self._tell_what_is_broken()
        return batch

    def _mark(self, acknowledged: Position, batch_end: Position) -> None:
        known = self._spool.marks.mark
        log_position = max(known.log_position, self._poster.log_position)
        self._spool.mark(Mark(acknowledged, batch_end, log_position))
        with self._acknowledged:
            self._acknowledged.notify_all()

    def _tell_what_is_broken(self) -> None:
        for at, size_bytes, path in self._reader.set_aside:
            log.error(
                "segment %d of the spool %s is broken at byte %d: %d bytes are set aside in %s, and what"
                " was in them is not sent",
                *(at.segment, self._spool.folder, at.offset, size_bytes, path),
            )
            self._counting.add(damaged=1)
        for at, size_bytes, path in self._reader.torn:
            log.warning(
                "segment %d of the spool %s ends at byte %d with the beginning of a record: %d bytes are set"
                " aside in %s. Nobody was told that they are spooled, unless the file was cut off later",
                *(at.segment, self._spool.folder, at.offset, size_bytes, path),
            )
        self._reader.set_aside.clear()
        self._reader.torn.clear()

    async def _wait_for_more(self, done: Position) -> None:
        self._hurry.clear()
        self._more.clear()
        self._is_idle = True
        # What came before that was not told.
        if not self._reader.has_more(done):
            await self._more.wait()
        self._is_idle = False
        ends_at = time.monotonic() + self._linger_s
        with suppress(TimeoutError):
            async with asyncio.timeout(ends_at - time.monotonic()):
                await self._hurry.wait()

    def _report(self, problem: str | None) -> None:
        self.problem = problem
