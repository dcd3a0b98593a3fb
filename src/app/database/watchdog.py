"""Ends transactions whose process has fallen silent.

A process that stalls inside COPY (stopped, starved, on a host that froze) holds its tenant's log, and none of
PostgreSQL's own timeouts fires while the server waits for the rows. What it wrote is undone, as if it had
been killed; should it go on, it finds its connection gone and answers that the store did not confirm.
"""

import threading
from pathlib import Path

import aiosql
import psycopg
import structlog

from app.database.connections import APPLICATION_NAME, Connection, Pool

SQL = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")

_TICK_S = 1.0

log = structlog.get_logger()


def watch(pool: Pool, stop: threading.Event, *, stalled_s: float) -> None:
    """Look every second until `stop` is set. Outlasts the store's absence."""
    while not stop.wait(_TICK_S):
        try:
            with pool.connection() as connection:
                end_stalled(connection, stalled_s=stalled_s)
        except psycopg.Error as error:
            log.warning("stalled transactions can't be looked for", error=str(error))


def end_stalled(connection: Connection, *, stalled_s: float) -> list[int]:
    """End each transaction of the service that has waited for its process for `stalled_s`.

    Gives the ids of their sessions in PostgreSQL. Raises psycopg.Error.
    """
    parameters = {"application": APPLICATION_NAME, "stalled_s": stalled_s}
    ended = []
    for pid, waited_s, _ in connection.execute(SQL.end_stalled.sql, parameters):
        log.error("a stalled transaction was ended", session=pid, waited_s=round(waited_s, 1))
        ended.append(pid)
    return ended
