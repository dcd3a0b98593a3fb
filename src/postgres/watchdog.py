"""Ends transactions whose process has fallen silent.

A process that stalls inside COPY (stopped, starved, on a host that froze) holds its tenant's log, and none of
PostgreSQL's own timeouts fires while the server waits for the rows. What it wrote is undone, as if it had
been killed; should it go on, it finds its connection gone and answers that the store did not confirm.
"""

import threading
import time
from datetime import datetime
from typing import NamedTuple

import psycopg
import structlog

from postgres.connections import Connection, Pool
from postgres.rows import fetch_one, fetch_pairs
from postgres.session import APPLICATION_NAME
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Finding transactions, and ending them."""

    silent_transactions: Statement
    end_transaction: Statement


SQL = Sql(__file__)

_TICK_S = 1.0
_WHOSE = {"application": APPLICATION_NAME}

log = structlog.get_logger()


class _Standstill(NamedTuple):
    """Where a transaction stands. As long as this is the same, it has not moved."""

    pid: int
    xact_start: datetime
    state_change: datetime
    copied_bytes: int | None


class Watchdog:
    """Ends each transaction of the service that has waited for its process for `stalled_s`."""

    def __init__(self, *, stalled_s: float) -> None:
        """Know of none yet."""
        self._stalled_s = stalled_s
        self._since_s: dict[_Standstill, float] = {}

    def run(self, pool: Pool, stop: threading.Event) -> None:
        """Look every second until `stop` is set. Outlasts the store's absence."""
        while not stop.wait(_TICK_S):
            try:
                with pool.connection() as connection:
                    self.look(connection)
            except psycopg.Error as error:
                log.warning("stalled transactions can't be looked for", error=str(error))

    def look(self, connection: Connection) -> list[int]:
        """End those that have not moved for too long; give their sessions' ids in PostgreSQL.

        When a COPY moved last, PostgreSQL doesn't tell: that counts from the look that found it where
        it still is. Raises psycopg.Error.
        """
        now_s = time.monotonic()
        since_s = {}
        silent = fetch_pairs(connection, SQL.silent_transactions, _WHOSE, "waited_s", _Standstill)
        for waited_s, at in silent:
            began_s = now_s if at.copied_bytes is not None else now_s - waited_s
            since_s[at] = self._since_s.get(at, began_s)
        self._since_s = since_s
        stalled = [at for at, began_s in since_s.items() if began_s <= now_s - self._stalled_s]
        return [at.pid for at in stalled if self._end(connection, at, now_s - since_s[at])]

    def _end(self, connection: Connection, at: _Standstill, waited_s: float) -> bool:
        if fetch_one(connection, SQL.end_transaction, at._asdict(), bool) is None:
            return False
        log.error("a stalled transaction was ended", session=at.pid, waited_s=round(waited_s, 1))
        return True
