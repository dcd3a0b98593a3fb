"""Group commit: concurrent small batches of one tenant share a transaction.

A commit costs a flush to disk, whatever is in it. The batches that arrive while one is on its way go
together in the next, each with its own receipt. None waits when there is nobody to share with.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import psycopg
from anyio import CapacityLimiter
from psycopg_pool import PoolTimeout

from app.intake.threads import in_thread
from app.log.heads import StreamHeads
from app.recording.commit import commit
from app.recording.differences import Fingerprints, fingerprints
from app.recording.prepare import Prepared, merge
from app.recording.receipt import Recorded
from postgres.connections import Pool
from postgres.errors import UNAVAILABLE

_MOST_ITEMS = 10_000
_MOST_BYTES = 4 << 20
_REMEMBERED_TENANTS = 20
_WAITED_IN_VAIN = (psycopg.errors.LockNotAvailable, PoolTimeout)


class _Waiting(NamedTuple):
    batch: Prepared
    answer: asyncio.Future[Recorded]


class GroupCommit:
    """Records batches: those of one tenant one group after the other, those of others beside them.

    For one event loop.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        threads: int,
        patience_s: float = 0,
        hashed_by: Fingerprints = fingerprints,
    ) -> None:
        """Commit through `pool`, `threads` tenants at once; `hashed_by` is for comparing repeats.

        A log that somebody else holds for as long as the pool lets a statement wait is tried again,
        behind the tenants that wait for a thread, until `patience_s` have passed.
        """
        self._pool = pool
        self._patience_s = patience_s
        self._hashed_by = hashed_by
        self._threads = CapacityLimiter(threads)
        self._waiting: dict[int, deque[_Waiting]] = {}
        self._heads: OrderedDict[int, StreamHeads] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def record(self, tenant_id: int, batch: Prepared) -> Recorded:
        """Record a batch, alone or in company. Raises as `app.recording.commit` does.

        Cancelling it takes nothing back: what was begun is finished. A batch that still waits for its turn
        is given up.
        """
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(tenant_id)
        if waiting is None:
            waiting = self._waiting[tenant_id] = deque()
            task = asyncio.create_task(self._drain(tenant_id, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.append(_Waiting(batch, answer))
        del batch
        try:
            return await answer
        except asyncio.CancelledError:
            _withdraw(waiting, answer)
            raise
        finally:
            del answer, waiting  # which hold the exception that would hold this frame

    async def _drain(self, tenant_id: int, waiting: deque[_Waiting]) -> None:
        try:
            await self._commit_all(tenant_id, waiting)
        finally:
            del self._waiting[tenant_id]
            for member in waiting:
                member.answer.cancel()

    async def _commit_all(self, tenant_id: int, waiting: deque[_Waiting]) -> None:
        while waiting:
            group = _next_group(waiting)
            try:
                answers = await self._commit(tenant_id, [member.batch for member in group])
            except Exception as error:  # noqa: BLE001 (each request reports it as its own)
                if len(group) > 1 and not isinstance(error, UNAVAILABLE):
                    # One of them can't be recorded: it must not harm those it shared with.
                    await self._commit_each(tenant_id, group)
                    continue
                if isinstance(error, _WAITED_IN_VAIN):
                    # Who came meanwhile has waited as well, and is not to wait once more.
                    group += waiting
                    waiting.clear()
                _fail(group, error)
            else:
                for member, recorded in zip(group, answers, strict=True):
                    if not member.answer.done():
                        member.answer.set_result(recorded)

    async def _commit_each(self, tenant_id: int, group: list[_Waiting]) -> None:
        while group:
            member = group.pop(0)
            try:
                [recorded] = await self._commit(tenant_id, [member.batch])
            except Exception as error:  # noqa: BLE001 (the request reports it)
                _fail([member], error)
            else:
                if not member.answer.done():
                    member.answer.set_result(recorded)
            del member

    async def _commit(self, tenant_id: int, batches: Sequence[Prepared]) -> list[Recorded]:
        heads = self._heads.setdefault(tenant_id, StreamHeads())
        self._heads.move_to_end(tenant_id)
        if len(self._heads) > _REMEMBERED_TENANTS:
            self._heads.popitem(last=False)
        give_up_s = time.monotonic() + self._patience_s
        while True:
            try:
                work = partial(
                    _commit_group, self._pool, tenant_id, batches, heads, self._hashed_by
                )
                return await in_thread(work, self._threads)
            except psycopg.errors.LockNotAvailable:
                if time.monotonic() >= give_up_s:
                    raise


def _commit_group(
    pool: Pool,
    tenant_id: int,
    batches: Sequence[Prepared],
    heads: StreamHeads,
    hashed_by: Fingerprints,
) -> list[Recorded]:
    recorded = commit(pool, tenant_id, merge(batches), heads, hashed_by)
    if len(batches) == 1:
        return [recorded]
    return recorded.split([len(batch.keys) for batch in batches])


def _withdraw(waiting: deque[_Waiting], answer: asyncio.Future[Recorded]) -> None:
    """Let go of a batch whose turn has not come: what nobody waits for must not fill the memory."""
    for place, member in enumerate(waiting):
        if member.answer is answer:
            del waiting[place]
            return


def _next_group(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take who waits, in order, as long as it makes a batch of usual size; the first in any case."""
    group = [waiting.popleft()]
    items, size_bytes = len(group[0].batch.keys), group[0].batch.size_bytes
    while waiting:
        items += len(waiting[0].batch.keys)
        size_bytes += waiting[0].batch.size_bytes
        if items > _MOST_ITEMS or size_bytes > _MOST_BYTES:
            break
        group.append(waiting.popleft())
    return group


def _fail(members: list[_Waiting], error: Exception) -> None:
    """Give the error to all who wait, and let go of them: its traceback holds who committed them.

    Without the frame that caught it, which goes on: whoever reports the error clears all frames that it has,
    and to clear one of a coroutine that waits ends that.
    """
    caught = error.__traceback__
    error.__traceback__ = None if caught is None else caught.tb_next
    while members:
        answer = members.pop().answer
        if not answer.done():
            answer.set_exception(error)
