"""Budgets of bytes: what a process holds, and what it works on, at most."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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


class WorkingBudget:
    """How many bytes of requests a process works on at once; the others wait, first come first served.

    For one event loop.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Allow `limit_bytes`; a single larger request has the budget for itself."""
        self._limit_bytes = limit_bytes
        self._free_bytes = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def share(self, wanted_bytes: int) -> AsyncIterator[None]:
        """Work on so many bytes as soon as there is room."""
        wanted_bytes = min(wanted_bytes, self._limit_bytes)
        await self._take(wanted_bytes)
        try:
            yield
        finally:
            self._give_back(wanted_bytes)

    async def _take(self, wanted_bytes: int) -> None:
        if not self._waiting and wanted_bytes <= self._free_bytes:
            self._free_bytes -= wanted_bytes
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(wanted_bytes)
            raise

    def _give_back(self, freed_bytes: int) -> None:
        self._free_bytes += freed_bytes
        while self._waiting and (
            self._waiting[0][1].cancelled() or self._waiting[0][0] <= self._free_bytes
        ):
            wanted_bytes, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free_bytes -= wanted_bytes
                turn.set_result(None)
