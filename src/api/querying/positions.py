"""Waiting for a position without a thread, and without a poll of the store, for each request that waits."""

import asyncio
from collections.abc import Sequence
from typing import Literal, NamedTuple

import anyio.to_thread
import structlog
from anyio import CapacityLimiter

from app.log.append import heads
from postgres.connections import Pool
from postgres.errors import UNAVAILABLE
from projections import tracking

_POLL_INTERVAL_S = 0.02
_CONNECTION_WAIT_S = 1.0

log = structlog.get_logger()


class Awaited(NamedTuple):
    """Whose position: of a tenant's live read models, or the head of its log."""

    what: Literal["live", "log"]
    tenant_id: int


class Positions:
    """Wakes the requests that wait for a position. One task reads for all of them, while there are any."""

    def __init__(self, pool: Pool) -> None:
        """Read through `pool`, with one connection at most."""
        self._pool = pool
        self._thread = CapacityLimiter(1)
        # Most wait for the same position: the next one of a log. One goes without a look at the others.
        self._waiting: dict[Awaited, dict[int, set[asyncio.Future[None]]]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the process ends: nobody waits any more."""
        return self._ending.is_set()

    def close(self) -> None:
        """Let all who wait go, without what they waited for. For the event loop's own thread."""
        self._ending.set()
        for waiter in self._waiters():
            waiter.cancel()

    async def reached(self, awaited: Awaited, position: int, *, timeout_s: float) -> bool:
        """Wait until `position` is reached, at most `timeout_s`; tells whether it is.

        A store that is out of reach counts as standing still, and when the process ends nothing is
        reached any more.
        """
        if self._ending.is_set():
            return False
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(awaited, {}).setdefault(position, set()).add(waiter)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if not self._ending.is_set():
                raise
            return False
        finally:
            by_position = self._waiting[awaited]
            by_position[position].remove(waiter)
            if not by_position[position]:
                del by_position[position]
            if not by_position:
                del self._waiting[awaited]
        return True

    async def _poll(self) -> None:
        while self._waiting:
            try:
                found = await anyio.to_thread.run_sync(
                    self._read, list(self._waiting), limiter=self._thread
                )
            except UNAVAILABLE as error:
                log.warning("positions can't be read", error=str(error))
            except Exception as error:  # noqa: BLE001  # handed on to those who wait
                self._fail(error)
            else:
                self._wake(found)
            await asyncio.sleep(_POLL_INTERVAL_S)

    def _wake(self, found: dict[Awaited, int]) -> None:
        for awaited, reached in found.items():
            for position, waiters in self._waiting.get(awaited, {}).items():
                for waiter in waiters if position <= reached else ():
                    if not waiter.done():
                        waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        for waiter in self._waiters():
            if not waiter.done():
                waiter.set_exception(error)

    def _waiters(self) -> list[asyncio.Future[None]]:
        every = (waiters for each in self._waiting.values() for waiters in each.values())
        return [waiter for waiters in every for waiter in waiters]

    def _read(self, awaited: Sequence[Awaited]) -> dict[Awaited, int]:
        logs = [each.tenant_id for each in awaited if each.what == "log"]
        with self._pool.connection(timeout=_CONNECTION_WAIT_S) as connection:
            at = heads(connection, logs) if logs else {}
            found = {Awaited("log", each): position for each, position in at.items()}
            for each in awaited:
                if each.what == "live":
                    live = tracking.live(connection, each.tenant_id)
                    found[each] = live.position if live else 0
            return found
