"""Connections to PostgreSQL, set up the same way everywhere."""

from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

# Durability is named, not assumed. jit costs more than it brings for statements this short. The
# keepalives find a peer that is gone, on both sides, within half a minute.
_OPTIONS = (
    "-c search_path=roundbook"
    " -c synchronous_commit=on"
    " -c jit=off"
    " -c timezone=UTC"
    " -c idle_in_transaction_session_timeout=60s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
)
_PARAMETERS: dict[str, Any] = {
    "options": _OPTIONS,
    "application_name": "roundbook",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
}

UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""What is raised when the store can't be reached, or didn't confirm: to be tried again, no bug."""


def connect(url: str) -> Connection:
    """Open a connection in autocommit mode. Raises psycopg.OperationalError."""
    return psycopg.connect(url, autocommit=True, **_PARAMETERS)


def open_pool(url: str, *, max_size: int, lock_timeout_s: float = 10) -> Pool:
    """Open a pool of connections in autocommit mode; a dead one is replaced before it is lent.

    Taking a connection raises PoolTimeout when none is free within 10 seconds, and a statement that
    waits longer than `lock_timeout_s` for a lock raises psycopg.errors.LockNotAvailable.
    """
    options = f"{_OPTIONS} -c lock_timeout={round(lock_timeout_s * 1000)}ms"
    return ConnectionPool(
        url,
        kwargs={"autocommit": True, **_PARAMETERS, "options": options},
        min_size=1,
        max_size=max_size,
        timeout=10,
        max_idle=300,
        reconnect_timeout=60,
        check=ConnectionPool.check_connection,
        open=True,
    )
