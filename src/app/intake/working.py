"""How many bytes of requests a process works on at once, and whose turn is next."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class _Waiting(NamedTuple):
    wanted: int
    turn: asyncio.Future[None]


class WorkingBudget:
    """What is worked on at once, in bytes or whatever else is counted; the others wait for their turn.

    The next turn is that of the tenant with the least at work (max-min fairness); the requests of one
    tenant go first come first served. One request of each tenant is let in at any time: where a tenant's
    log is held up, its requests may use up the budget, and no other tenant must wait for them. For one
    event loop.
    """

    def __init__(self, limit: int) -> None:
        """Allow so much; a single larger request takes all of it."""
        self._limit = limit
        self._free = limit
        self._requests: Counter[int] = Counter()
        self._at_work: Counter[int] = Counter()
        # Of each tenant those that wait, none of them empty.
        self._waiting: dict[int, deque[_Waiting]] = {}

    @property
    def at_work(self) -> int:
        """How many requests are worked on."""
        return self._requests.total()

    @asynccontextmanager
    async def share(self, tenant_id: int, wanted: int) -> AsyncIterator[None]:
        """Work on so much for a tenant as soon as it has its turn and there is room."""
        wanted = min(wanted, self._limit)
        await self._take(tenant_id, wanted)
        try:
            yield
        finally:
            self._give_back(tenant_id, wanted)

    async def _take(self, tenant_id: int, wanted: int) -> None:
        fits = not self._waiting and wanted <= self._free
        if fits or not self._requests[tenant_id]:
            self._let_in(tenant_id, wanted)
            return
        turn = asyncio.get_running_loop().create_future()
        waiting = _Waiting(wanted, turn)
        self._waiting.setdefault(tenant_id, deque()).append(waiting)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(tenant_id, wanted)
            else:
                self._leave(tenant_id, waiting)
            raise

    def _let_in(self, tenant_id: int, wanted: int) -> None:
        self._free -= wanted
        self._requests[tenant_id] += 1
        self._at_work[tenant_id] += wanted

    def _give_back(self, tenant_id: int, freed: int) -> None:
        self._free += freed
        self._requests[tenant_id] -= 1
        self._at_work[tenant_id] -= freed
        if not self._requests[tenant_id]:
            del self._requests[tenant_id], self._at_work[tenant_id]
        self._go_on()

    def _leave(self, tenant_id: int, waiting: _Waiting) -> None:
        queue = self._waiting.get(tenant_id, ())
        if waiting in queue:
            self._waiting[tenant_id].remove(waiting)
        if not queue:
            self._waiting.pop(tenant_id, None)
        self._go_on()

    def _go_on(self) -> None:
        """Let in who has the next turn, as long as there is room for it: none overtakes a large one."""
        while self._waiting:
            tenant_id = min(self._waiting, key=self._at_work.__getitem__)
            queue = self._waiting[tenant_id]
            wanted, turn = queue[0]
            if wanted > self._free and self._requests[tenant_id]:
                return
            queue.popleft()
            if not queue:
                del self._waiting[tenant_id]
            if not turn.cancelled():
                self._let_in(tenant_id, wanted)
                turn.set_result(None)
