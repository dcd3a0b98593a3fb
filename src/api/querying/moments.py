"""Moments of the store that are kept for as long as a long answer is read, piece by piece, in any thread.

Each takes a connection, and keeps PostgreSQL from clearing away what was replaced since. So there are few, a
tenant takes one as long as it has fewer than there are left, and none lasts longer than it may.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Literal, NamedTuple, TypeVar

import psycopg

from api.http.problems import ProblemError
from api.querying.gaming_days import see_log
from app.log.append import head
from postgres.cancelling import cancellable
from postgres.connections import Connection, Pool
from projections.reading import Snapshot, begin_snapshot, see

V = TypeVar("V")

APPLICATION_NAME = "roundbook long answer"
"""What these sessions are called in PostgreSQL: they wait for clients, and no watchdog ends them for it."""

Of = Literal["live", "log"]
"""What is read: the live read models, or what is only ever added to, up to the head of the log."""

_RETRY_AFTER_S = 5


class Limits(NamedTuple):
    """How many moments a process keeps, and for how long each."""

    most: int
    longest_s: float


class Moments:
    """Those of a process. For one event loop."""

    def __init__(self, pool: Pool, limits: Limits) -> None:
        """Keep them by connections of `pool`."""
        self._pool = pool
        self._limits = limits
        self._kept: Counter[int] = Counter()
        self._ending = ThreadPoolExecutor(limits.most, thread_name_prefix="moment")

    def keep(self, tenant_id: int, of: Of) -> "Moment":
        """Keep one more of a tenant: that at which it is read first. `end` must follow.

        Raises ProblemError `too-many-streams`.
        """
        if self._kept[tenant_id] >= self._limits.most - self._kept.total():
            raise ProblemError(
                "too-many-streams",
                "As many long answers in CSV are being read as may be, of the tenant or of all. Ask again"
                " when others are read.",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
        self._kept[tenant_id] += 1
        return Moment(self._pool, tenant_id, of, self._limits.longest_s)

    def end(self, moment: "Moment") -> None:
        """Keep a moment no longer, once a read that is at work has ended. It can be called again."""
        if moment.is_over:
            return
        moment.is_over = True
        self._kept[moment.tenant_id] -= 1
        if not self._kept[moment.tenant_id]:
            del self._kept[moment.tenant_id]
        try:
            self._ending.submit(moment.let_go)
        except RuntimeError:  # the process ends, or no thread is to be had
            moment.let_go()

    def close(self) -> None:
        """Let the threads end with what they do."""
        self._ending.shutdown(wait=False)


class Moment:
    """A moment: it begins with the first read, and all reads see the same."""

    def __init__(self, pool: Pool, tenant_id: int, of: Of, longest_s: float) -> None:
        """See what a tenant has."""
        self.tenant_id = tenant_id
        self.is_over = False
        self._pool = pool
        self._of = of
        self._longest_s = longest_s
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._seen: Snapshot | None = None
        self._begun_s = 0.0

    def read(self, read: Callable[[Snapshot], V]) -> V:
        """Read, in a thread. Raises ProblemError, and what `read` and the store raise."""
        with self._lock:
            if self.is_over:
                raise psycopg.errors.QueryCanceled("the read was ended before it began")
            if self._connection is None:
                self._connection, self._begun_s = self._pool.getconn(), time.monotonic()
            elif time.monotonic() - self._begun_s > self._longest_s:
                raise ProblemError(
                    "query-too-slow",
                    f"The answer was not taken within {self._longest_s:g} s, and can't go on.",
                )
            with cancellable(self._connection):
                if self._seen is None:
                    self._seen = self._begin(self._connection)
                return read(self._seen)

    def let_go(self) -> None:
        """Give the connection back, in a thread; a read that is at work ends first."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.rollback()
                self._pool.putconn(connection)

    def _begin(self, connection: Connection) -> Snapshot:
        if self._of == "live":
            return see(connection, self.tenant_id)
        begin_snapshot(connection)
        return see_log(connection, self.tenant_id, head(connection, self.tenant_id))
