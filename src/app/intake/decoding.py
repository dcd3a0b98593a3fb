"""From bodies to prepared batches: in this process, or in one beside it while others are at work here.

Decoding is the service's own largest share of a batch's cost, and Python lets one thread of a process compute
at a time: a thread that feeds PostgreSQL with one batch waits for a thread that decodes the next.
"""

import asyncio
import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime

import structlog
from anyio import CapacityLimiter, to_thread

from app.processes import end_with_parent
from app.recording.prepare import Prepared, prepare
from app.tenants import Tenant
from app.wire.items import decode_batch

# A small body is read faster than a thread is asked to.
_SMALL_BYTES = 16_384

# What it costs to send a body to another process and the batch back is well below what that saves.
_LARGE_BYTES = 262_144

_THREADS = 2

log = structlog.get_logger()


def decode(body: bytes, tenant: Tenant) -> Prepared:
    """Read, check and prepare a batch. Raises as `app.wire.items.decode_batch` does."""
    items = decode_batch(body, currencies=tenant.allowed_currencies(), now=datetime.now(UTC))
    return prepare(items)


class Decoding:
    """Decodes batches without holding up the event loop, in which it is to be used."""

    def __init__(self) -> None:
        """Begin with no process but this one."""
        self._threads = CapacityLimiter(_THREADS)
        self._beside: _ProcessBeside | None = None
        self._can_spawn = True

    async def decode(self, body: bytes, tenant: Tenant, *, alone: bool) -> Prepared:
        """Decode a batch; `alone` says that this process works on no other. Raises as `decode` does."""
        if len(body) <= _SMALL_BYTES:
            return decode(body, tenant)
        if len(body) >= _LARGE_BYTES and not alone and self._can_spawn:
            batch = await self._decode_beside(body, tenant)
            if batch is not None:
                return batch
        return await to_thread.run_sync(decode, body, tenant, limiter=self._threads)

    def close(self) -> None:
        """End the process beside this one."""
        if self._beside is not None:
            self._beside.close()

    async def _decode_beside(self, body: bytes, tenant: Tenant) -> Prepared | None:
        """Decode in the other process; None where that is not up, or the batch has faults to be named."""
        if self._beside is None:
            try:
                self._beside = _ProcessBeside()
            except (OSError, NotImplementedError):
                # A host without shared semaphores, or one that has no room for another process.
                log.exception(
                    "no process can be started to decode beside this one: it does so alone"
                )
                self._can_spawn = False
                return None
        beside = self._beside
        if not beside.is_ready:
            return None
        try:
            return await beside.decode(body, tenant)
        except BrokenProcessPool:
            if self._beside is beside:
                log.exception("a decoding process died; another is started when it is needed")
                self._beside = None
            return None


class _ProcessBeside:
    """A process that decodes; it ends with this one, however this one ends."""

    def __init__(self) -> None:
        # Spawned, not forked: it must hold neither the socket nor connections of this process.
        self._executor = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=end_with_parent
        )
        self._first: Future[int] = self._executor.submit(os.getpid)

    @property
    def is_ready(self) -> bool:
        return self._first.done()

    async def decode(self, body: bytes, tenant: Tenant) -> Prepared | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _decode_if_valid, body, tenant)

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)


def _decode_if_valid(body: bytes, tenant: Tenant) -> Prepared | None:
    """Decode a batch, or leave the naming of its faults to who asked."""
    try:
        return decode(body, tenant)
    except Exception:  # noqa: BLE001 (whatever it is, it will be raised once more where it is answered)
        return None
