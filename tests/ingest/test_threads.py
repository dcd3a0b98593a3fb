"""Failures keep nothing alive: what a batch took is free as soon as the failure is dealt with."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest
from anyio import CapacityLimiter

from app.intake import group_commit
from app.intake.group_commit import GroupCommit
from app.intake.threads import in_thread


class Buffer:
    """Stands for a body or a batch."""

    keys = (b"",)
    size_bytes = 1


class BrokenError(Exception):
    """What the work comes to."""


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Only references count: what a cycle holds stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def fail(buffer: Buffer, *_: object) -> None:
    held = buffer
    raise BrokenError(str(id(held)))


def alive_after(work: Callable[[Buffer], Awaitable[object]]) -> bool:
    async def scenario() -> bool:
        buffer = Buffer()
        left = weakref.ref(buffer)
        try:
            await work(buffer)
        except BrokenError:
            del buffer
        # The thread may not have put down its own work yet; a cycle would hold on for good.
        for _ in range(1_000):
            if left() is None:
                return False
            await asyncio.sleep(0.01)
        return True

    return asyncio.run(scenario())


def test_what_a_thread_worked_on_is_free_after_its_failure() -> None:
    async def work(buffer: Buffer) -> None:
        doing = partial(fail, buffer)
        del buffer
        await in_thread(doing, CapacityLimiter(1))

    assert not alive_after(work)


def test_a_batch_is_free_after_the_failure_to_record_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(pool: object, tenant_id: int, batch: Buffer, *_: object) -> None:
        del pool, tenant_id
        fail(batch)

    monkeypatch.setattr(group_commit, "commit", commit)

    async def work(buffer: Buffer) -> None:
        writer = GroupCommit(None, threads=1)  # type: ignore[arg-type]
        await writer.record(1, buffer)  # type: ignore[arg-type]

    assert not alive_after(work)


def test_a_result_comes_back() -> None:
    assert asyncio.run(in_thread(lambda: 7, CapacityLimiter(1))) == 7
