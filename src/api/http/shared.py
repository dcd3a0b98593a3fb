"""One piece of work for all who want the same at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shared(Generic[K, V]):
    """Does what is wanted once for all who ask while it is done. For one event loop."""

    def __init__(self) -> None:
        """Do nothing yet."""
        self._at_work: dict[K, _Work[V]] = {}

    async def do(self, key: K, make: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Return what `make` returns, or what it returns to whoever asked for `key` before.

        It is cancelled when the last one who waits is. Raises what it raises.
        """
        work = self._at_work.get(key)
        if work is None:
            work = self._at_work[key] = _Work(asyncio.create_task(make()))
        work.waiting += 1
        try:
            await asyncio.wait([work.task])
            return work.task.result()
        finally:
            work.waiting -= 1
            if not work.waiting:
                work.task.cancel()
            if (work.task.done() or not work.waiting) and self._at_work.get(key) is work:
                del self._at_work[key]


class _Work(Generic[V]):
    def __init__(self, task: asyncio.Task[V]) -> None:
        self.task = task
        self.waiting = 0
        task.add_done_callback(_retrieve)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Look at what was raised: whoever waited for it may be gone."""
    if not task.cancelled():
        task.exception()
