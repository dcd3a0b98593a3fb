"""Budgets of bytes: what a process holds, and what it works on, at most."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class OverBudgetError(Exception):
    """There is more to hold than the budget allows."""


class Holding:
    """Counts the bytes that one request holds against the budget that all share."""

    def __init__(self, budget: "HoldingBudget") -> None:
        """Hold nothing yet."""
        self._budget = budget
        self._bytes = 0

    def add(self, more_bytes: int) -> None:
        """Hold more. Raises OverBudgetError where that is too much for the budget."""
        if self._budget.held_bytes + more_bytes > self._budget.limit_bytes:
            raise OverBudgetError
        self._budget.held_bytes += more_bytes
        self._bytes += more_bytes

    def release(self) -> None:
        """Hold nothing any more."""
        self._budget.held_bytes -= self._bytes
        self._bytes = 0


class HoldingBudget:
    """How many bytes of requests a process holds at once; what comes beyond is refused at once."""

    def __init__(self, limit_bytes: int) -> None:
        """Allow `limit_bytes`."""
        self.limit_bytes = limit_bytes
        self.held_bytes = 0


class _Waiting(NamedTuple):
    tenant_id: int
    wanted_bytes: int
    turn: asyncio.Future[None]


class WorkingBudget:
    """How many bytes of requests a process works on at once; the others wait, first come first served.

    One request of each tenant is let in at any time: where a tenant's log is held up, its requests may
    use up the budget, and no other tenant must wait for them. For one event loop.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Allow `limit_bytes`; a single larger request takes all of it."""
        self._limit_bytes = limit_bytes
        self._free_bytes = limit_bytes
        self._at_work: Counter[int] = Counter()
        self._waiting: deque[_Waiting] = deque()

    @property
    def at_work(self) -> int:
        """How many requests are worked on."""
        return self._at_work.total()

    @asynccontextmanager
    async def share(self, tenant_id: int, wanted_bytes: int) -> AsyncIterator[None]:
        """Work on so many bytes for a tenant as soon as there is room."""
        wanted_bytes = min(wanted_bytes, self._limit_bytes)
        await self._take(tenant_id, wanted_bytes)
        try:
            yield
        finally:
            self._give_back(tenant_id, wanted_bytes)

    async def _take(self, tenant_id: int, wanted_bytes: int) -> None:
        fits = not self._waiting and wanted_bytes <= self._free_bytes
        if fits or not self._at_work[tenant_id]:
            self._let_in(tenant_id, wanted_bytes)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(tenant_id, wanted_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(tenant_id, wanted_bytes)
            raise

    def _let_in(self, tenant_id: int, wanted_bytes: int) -> None:
        self._free_bytes -= wanted_bytes
        self._at_work[tenant_id] += 1

    def _give_back(self, tenant_id: int, freed_bytes: int) -> None:
        self._free_bytes += freed_bytes
        self._at_work[tenant_id] -= 1
        if not self._at_work[tenant_id]:
            del self._at_work[tenant_id]
        still_waiting: deque[_Waiting] = deque()
        for waiting in self._waiting:
            if waiting.turn.cancelled():
                continue
            fits = not still_waiting and waiting.wanted_bytes <= self._free_bytes
            if fits or not self._at_work[waiting.tenant_id]:
                self._let_in(waiting.tenant_id, waiting.wanted_bytes)
                waiting.turn.set_result(None)
            else:
                still_waiting.append(waiting)
        self._waiting = still_waiting
