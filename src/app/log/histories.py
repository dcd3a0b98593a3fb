"""Histories: that a log is another one than readers knew, though its id is the same.

After a restore, a recovery to a point in time, or a failover to a standby that was late, positions are given
again, to other events. So it is looked where the log is kept (see migrations/0012_histories.sql), and
whenever that is elsewhere another history begins: what readers keep of the one before is refused.
"""

import hashlib
import threading
from typing import NamedTuple

import psycopg
import structlog

from app.log.leaves import Log
from postgres.connections import Connection, Pool
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Noticing and beginning histories."""

    notice_history: Statement
    begin_history: Statement
    newest_history: Statement
    heads_of_histories: Statement


SQL = Sql(__file__)

_TICK_S = 1.0

log = structlog.get_logger()


def reading_id(log_id: bytes, history_id: bytes | None) -> bytes:
    """Return what a log is called towards readers, 16 bytes: its id, and in a later history another one."""
    if history_id is None:
        return log_id
    return hashlib.sha256(log_id + history_id).digest()[: len(log_id)]


def readers_id(connection: Connection, tenant_id: int, log_id: bytes) -> bytes:
    """Return what a tenant's log is called towards readers now, given its id. Raises psycopg.Error."""
    parameters = {"tenant_id": tenant_id}
    histories = fetch_all(connection, SQL.heads_of_histories, parameters, _Head)
    return reading_id(log_id, histories[-1].history_id if histories else None)


def ids_by_position(connection: Connection, log: Log) -> list[tuple[int | None, bytes]]:
    """List what a log was called towards readers when its positions were given, the first ones first.

    Each up to a position that it holds for, None where that is not known yet. Raises psycopg.Error.
    """
    parameters = {"tenant_id": log.tenant_id}
    histories = fetch_all(connection, SQL.heads_of_histories, parameters, _Head)
    found = [(then.head, reading_id(log.log_id, then.history_id)) for then in histories]
    return found or [(None, log.log_id)]


class _Head(NamedTuple):
    history_id: bytes | None
    head: int | None


def agreed_to(connection: Connection, log: Log, told: bytes) -> int | None:
    """Return up to which position a log is what readers knew by an id that it had, or by how that begins.

    None where the id was never its own. Raises psycopg.Error.
    """
    parameters = {"tenant_id": log.tenant_id}
    for then in fetch_all(connection, SQL.heads_of_histories, parameters, _Head):
        if reading_id(log.log_id, then.history_id).startswith(told):
            return then.head
    return None


def notice_history(connection: Connection) -> None:
    """Begin another history if the log is elsewhere than it was, and say so. Raises psycopg.Error."""
    number = fetch_one(connection, SQL.notice_history, None, int)
    if number is not None:
        log.warning(
            "the log is elsewhere than it was, as after a restore, a recovery or a failover: another history"
            " begins, and what readers keep of the one before (cursors, positions with a log_id) is refused",
            history=number,
        )


def newest_history(connection: Connection) -> bytes | None:
    """Return the id of the history that goes on, None before the first one. Raises psycopg.Error."""
    return fetch_one(connection, SQL.newest_history, None, bytes)


def begin_another_history(connection: Connection) -> None:
    """Begin another history, wherever the log is. For the owner alone. Raises psycopg.Error."""
    # A log of before there were histories is in its first one yet.
    if fetch_one(connection, SQL.begin_history, None, int) == 1:
        connection.execute(SQL.begin_history.sql)


class HistoryWatch:
    """Looks every second where the log is: a server may fail over while the service goes on."""

    def run(self, pool: Pool, stop: threading.Event) -> None:
        """Look until `stop` is set. Outlasts the store's absence."""
        while not stop.wait(_TICK_S):
            try:
                with pool.connection() as connection:
                    notice_history(connection)
            except psycopg.Error as error:
                log.warning("it can't be told where the log is", error=str(error))
