"""Running reads in threads: in fair turns, as long as somebody waits for them, and within a time limit."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any, TypeVar

from psycopg.errors import QueryCanceled

from api.http.problems import ProblemError
from api.querying.turns import Lane, TooManyWaitingError, Turns
from postgres.cancelling import Cancellation

V = TypeVar("V")


class Reads:
    """Runs reads. All methods but the constructor are for the event loop's own thread.

    A read whose caller is cancelled never begins, or is ended in PostgreSQL: its thread is free soon after.
    """

    def __init__(
        self, *, threads: int, most_waiting: int, unsent_limit_bytes: int, timeout_s: float
    ) -> None:
        """Run `threads` reads at once, each for `timeout_s` at most; for the rest see Turns."""
        self._turns: Turns[asyncio.Future[None]] = Turns(
            threads=threads, unsent_limit_bytes=unsent_limit_bytes, most_waiting=most_waiting
        )
        self._most_waiting = most_waiting
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="read")
        self._cancelling = ThreadPoolExecutor(threads, thread_name_prefix="cancel")

    def close(self) -> None:
        """Let the threads end with what they do."""
        self._threads.shutdown(wait=False)
        self._cancelling.shutdown(wait=False)

    async def run(self, lane: Lane, key_id: int, read: Callable[[], V]) -> V:
        """Read, as soon as it is the lane's turn.

        Raises ProblemError `too-many-queries` and `query-too-slow`, and what `read` raises.
        """
        await self._turn(lane, key_id)
        loop = asyncio.get_running_loop()
        cancellation, late = Cancellation(), asyncio.Event()
        try:
            work = loop.run_in_executor(self._threads, copy_context().run, cancellation.run, read)
        except BaseException:  # no thread is to be had
            self._turns.end(lane)
            self._begin()
            raise
        work.add_done_callback(lambda done: self._end(lane, done))

        def cancel_late() -> None:
            late.set()
            self._cancel(cancellation)

        timer = loop.call_later(self._timeout_s, cancel_late)
        try:
            await asyncio.wait([work])
            return work.result()
        except asyncio.CancelledError:
            self._cancel(cancellation)
            raise
        except QueryCanceled as error:
            if late.is_set():
                raise self._too_slow() from error
            raise
        finally:
            timer.cancel()

    @contextmanager
    def unsent(self, lane: Lane, held_bytes: int) -> Iterator[None]:
        """Count what was read as unsent for as long as the block lasts."""
        self._turns.hold(lane, held_bytes)
        try:
            yield
        finally:
            self._turns.release(lane, held_bytes)
            self._begin()

    async def _turn(self, lane: Lane, key_id: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._turns.ask(lane, key_id, turn)
        except TooManyWaitingError:
            raise self._too_many() from None
        self._begin()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._turns.withdraw(lane, key_id, turn)
            else:
                self._turns.end(lane)
                self._begin()
            raise

    def _begin(self) -> None:
        """Let all go on who may."""
        while (begun := self._turns.begin()) is not None:
            lane, turn = begun
            if turn.cancelled():
                self._turns.end(lane)
            else:
                turn.set_result(None)

    def _end(self, lane: Lane, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # whoever waited for it may be gone
        self._turns.end(lane)
        self._begin()

    def _cancel(self, cancellation: Cancellation) -> None:
        with suppress(RuntimeError):  # no thread is to be had: PostgreSQL ends it by its own limit
            self._cancelling.submit(cancellation.cancel)

    def _too_many(self) -> ProblemError:
        return ProblemError(
            "too-many-queries",
            f"{self._most_waiting} queries of the tenant, or half as many with this key, wait for their turn"
            " already. Ask again when some are answered.",
        )

    def _too_slow(self) -> ProblemError:
        limit = f"{self._timeout_s:g}"
        return ProblemError(
            "query-too-slow",
            f"The query took longer than {limit} s and was ended. Ask for less: narrow it by its filters, as"
            " from and to, or to one player or game, or give a smaller limit.",
            headers={"Retry-After": str(max(1, round(self._timeout_s)))},
        )
