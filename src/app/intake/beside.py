"""A process beside this one for long work: Python lets one thread of a process compute at a time."""

import asyncio
import math
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import structlog

from app.processes import end_children, end_with_parent
from postgres.errors import is_exhausted

_Result = TypeVar("_Result")

# Until another process is tried where there was no room for one.
_PAUSE_S = 30.0

log = structlog.get_logger()


class Beside:
    """Has work done by another process, one piece after the other; it is started when it is first needed.

    What it does must not raise: where there is no process, or it died, the answer is None, and who asked
    does the work in this one.
    """

    def __init__(self) -> None:
        """Begin with no process but this one."""
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._not_before_s = 0.0

    async def run(
        self, work: Callable[..., _Result], *arguments: object, patient: bool = False
    ) -> _Result | None:
        """Have work done. Who is not `patient` does not wait for a process that is being started."""
        process = self._current()
        if process is None or not (patient or process.is_ready):
            return None
        try:
            return await asyncio.wrap_future(process.submit(work, *arguments))
        except BrokenProcessPool as error:
            self._lost(process, error)
            return None

    def run_and_wait(self, work: Callable[..., _Result], *arguments: object) -> _Result | None:
        """Have work done, while this thread waits."""
        process = self._current()
        if process is None:
            return None
        try:
            return process.submit(work, *arguments).result()
        except BrokenProcessPool as error:
            self._lost(process, error)
            return None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()

    def _current(self) -> "_Process | None":
        with self._lock:
            if self._process is None and time.monotonic() >= self._not_before_s:
                try:
                    self._process = _Process()
                except (OSError, NotImplementedError, MemoryError, RuntimeError) as error:
                    # A host without shared semaphores, or one that has no room for another process.
                    log.exception("no process can be started beside this one: it does all itself")
                    again_s = _PAUSE_S if is_exhausted(error) else math.inf
                    self._not_before_s = time.monotonic() + again_s
                    end_children()
            return self._process

    def _lost(self, process: "_Process", error: BrokenProcessPool) -> None:
        with self._lock:
            if self._process is process:
                told = "the process beside died; another is started when it is needed"
                log.error(told, exc_info=error)
                self._process = None


class _Process:
    """A process that ends with this one, however this one ends."""

    def __init__(self) -> None:
        # Spawned, not forked: it must hold neither the socket nor connections of this process.
        self._executor = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=end_with_parent
        )
        self._first: Future[int] = self._executor.submit(os.getpid)

    @property
    def is_ready(self) -> bool:
        return self._first.done()

    def submit(self, work: Callable[..., _Result], *arguments: object) -> Future[_Result]:
        return self._executor.submit(work, *arguments)

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)
