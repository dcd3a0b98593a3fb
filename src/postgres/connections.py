"""Connections to PostgreSQL, set up the same way everywhere."""

from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

APPLICATION_NAME = "roundbook"
"""What the service's sessions are called in PostgreSQL."""

# Durability is named, not assumed. jit costs more than it brings for statements this short. The
# keepalives find a peer that is gone, on both sides, within half a minute; where something was sent that
# it never acknowledged they don't, and tcp_user_timeout (in ms) does.
_OPTIONS = (
    "-c search_path=roundbook"
    " -c synchronous_commit=on"
    # Under the tenant's lock the head must be read anew, whatever the role's default is.
    " -c default_transaction_isolation=read\\ committed"
    " -c jit=off"
    " -c timezone=UTC"
    " -c idle_in_transaction_session_timeout=60s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
)
_PARAMETERS: dict[str, Any] = {
    "options": _OPTIONS,
    "application_name": APPLICATION_NAME,
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    # A server that became a standby, or gave up waiting for us.
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    # What PostgreSQL has no name for, such as a full quota (a full disk has one).
    psycopg.errors.InternalError_,
)
"""What is raised when the store can't be reached, or didn't confirm: to be tried again, no bug."""


def connect(url: str) -> Connection:
    """Open a connection in autocommit mode. Raises psycopg.OperationalError."""
    return psycopg.connect(url, autocommit=True, **_PARAMETERS)


# Keys are looked up thousands at a time, and the plan must use the key's own index. A plan made for the
# tenant at hand may not: of a tenant that is new since the last analyze the planner expects one row, by
# whatever index, and reads all of them for each key. A plan made for any tenant expects an average one.
# Nothing is prepared, so that each plan is made for the size that the table has by then.
_BY_KEY = " -c plan_cache_mode=force_generic_plan"

# A query that no index serves must not hold a connection for ever.
_FOR_QUERIES = " -c statement_timeout=30s"


def open_pool(
    url: str,
    *,
    max_size: int,
    timeout_s: float = 10,
    lock_timeout_s: float = 10,
    for_queries: bool = False,
) -> Pool:
    """Open a pool of connections in autocommit mode; a dead one is replaced before it is lent.

    Statements are planned for an average tenant, as suits looking up by key; with `for_queries` for
    the values at hand, as suits pages of filtered rows.

    Within `timeout_s` a connection must be free, or taking one raises PoolTimeout; within
    `lock_timeout_s` another session's lock, or a statement that waits for it raises
    psycopg.errors.LockNotAvailable.
    """
    options = f"{_OPTIONS} -c lock_timeout={round(lock_timeout_s * 1000)}ms"
    options += _FOR_QUERIES if for_queries else _BY_KEY
    return ConnectionPool(
        url,
        kwargs={
            "autocommit": True,
            "prepare_threshold": None,
            **_PARAMETERS,
            "options": options,
        },
        min_size=1,
        max_size=max_size,
        timeout=timeout_s,
        max_idle=300,
        reconnect_timeout=60,
        check=ConnectionPool.check_connection,
        open=True,
    )
