"""Connections to PostgreSQL, set up the same way everywhere."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool
from psycopg_pool.pool import AddConnection, MaintenanceTask

from postgres.answering import ANSWER_GRACE_S, AnsweringConnection
from postgres.cancelling import cancellable
from postgres.libpq import forget_misleading_variables
from postgres.pooling import is_refused_by_pooler, work_through_pooler
from postgres.session import APPLICATION_NAME, take_over

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

# What the URL leaves open. The keepalives find a peer that is gone within half a minute; where something
# was sent that it never acknowledged they don't, and tcp_user_timeout (in ms) does.
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}

# A session is ours soon after it is connected.
_TAKE_OVER_S = 30.0

# What no URL may say otherwise: right from the first byte, before the session is ours.
_FORCED = {"client_encoding": "UTF8", "application_name": APPLICATION_NAME}

OPTIONS = "-c statement_timeout=0 -c idle_session_timeout=0"
"""That a session lives until it is ours: these would end it before, or its first statement."""


def parameters(url: str) -> dict[str, Any]:
    """Return what libpq is to connect with: what the URL says, and what is counted on.

    What it leaves open may come from the environment, where that is ordinary: misleading variables are
    removed from it. Raises psycopg.ProgrammingError for what is no URL.
    """
    forget_misleading_variables()
    given = conninfo_to_dict(url)
    if "service" not in given:  # whose options would be lost
        given["options"] = f"{given.get('options', '')} {OPTIONS}".strip()
    return {**_DEFAULTS, **given, **_FORCED}


class _Connection(AnsweringConnection):
    """A connection as we make it."""

    @classmethod
    def connect(cls, conninfo: str = "", **options: Any) -> Self:
        """Connect; without OPTIONS where a pooler is between that refuses them. Raises psycopg.Error."""
        try:
            return super().connect(conninfo, **options)
        except psycopg.OperationalError as error:
            if not is_refused_by_pooler(error) or options.get("options") != OPTIONS:
                raise
        del options["options"]
        return super().connect(conninfo, **options)


def connect(url: str) -> Connection:
    """Open a connection in autocommit mode.

    Raises psycopg.OperationalError, and postgres.session.SessionError for a server or database that
    the service can't count on.
    """
    connection = _Connection.connect(autocommit=True, prepare_threshold=None, **parameters(url))
    _take_over(connection)
    return connection


def _take_over(
    connection: Connection, *, answer_within_s: float | None = None, **settings: str
) -> None:
    """Make a new session ours; from then on an answer may take `answer_within_s`."""
    try:
        if isinstance(connection, AnsweringConnection):
            connection.answer_within_s = _TAKE_OVER_S
        of_transactions = take_over(connection, **settings)
        if of_transactions is not None:
            work_through_pooler(connection, of_transactions)
        if isinstance(connection, AnsweringConnection):
            connection.answer_within_s = answer_within_s
    except BaseException:
        connection.close()
        raise


# Keys are looked up thousands at a time, and the plan must use the key's own index. A plan made for the
# tenant at hand may not: of a tenant that is new since the last analyze the planner expects one row, by
# whatever index, and reads all of them for each key. A plan made for any tenant expects an average one.
# Nothing is prepared, so that each plan is made for the size that the table has by then.
_BY_KEY = {"plan_cache_mode": "force_generic_plan"}


# How long a server that was away is left alone. The pools of a process look for it one by one, each twice as
# late as the time before: who writes might have to wait when who looks up keys has it back long since.
_LONGEST_PAUSE_S = 2.0


class _Pool(ConnectionPool[Connection]):
    """Lends connections on which a read can be ended (postgres.cancelling), soon again after an outage."""

    def schedule_task(self, task: MaintenanceTask, delay: float) -> None:
        """Do something later; try to connect again before long."""
        if isinstance(task, AddConnection):
            delay = min(delay, _LONGEST_PAUSE_S)
        super().schedule_task(task, delay)

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Connection]:
        """Lend a connection until the block ends."""
        with super().connection(timeout) as lent, cancellable(lent):
            yield lent


def open_pool(
    url: str,
    *,
    max_size: int,
    timeout_s: float = 10,
    lock_timeout_s: float = 10,
    for_queries: bool = False,
    statement_timeout_s: float = 0,
    min_size: int = 1,
    waits_for_clients: tuple[str, float] | None = None,
) -> Pool:
    """Open a pool of connections in autocommit mode; a dead one is replaced before it is lent.

    Statements are planned for an average tenant, as suits looking up by key; with `for_queries` for
    the values at hand, as suits pages of filtered rows.

    Within `timeout_s` a connection must be free, or taking one raises PoolTimeout; within
    `lock_timeout_s` another session's lock, or a statement that waits for it raises
    psycopg.errors.LockNotAvailable. A statement that takes longer than `statement_timeout_s` (0: as long as
    it may) raises psycopg.errors.QueryCanceled; where its answer is lost too, some seconds later,
    postgres.answering.NoAnswerError.

    Transactions wait for a minute at most between two statements, or for clients as long as is said by
    `waits_for_clients`, which names the sessions besides, so that no watchdog ends them.
    """
    settings = {
        "lock_timeout": f"{round(lock_timeout_s * 1000)}ms",
        "statement_timeout": f"{round(statement_timeout_s * 1000)}ms",
        **({} if for_queries else _BY_KEY),
    }
    if waits_for_clients is not None:
        name, longest_s = waits_for_clients
        settings["application_name"] = name
        settings["idle_in_transaction_session_timeout"] = f"{round(longest_s * 1000)}ms"

    answer_within_s = statement_timeout_s + ANSWER_GRACE_S if statement_timeout_s else None

    def configure(connection: Connection) -> None:
        _take_over(connection, answer_within_s=answer_within_s, **settings)

    return _Pool(
        connection_class=_Connection,
        kwargs={"autocommit": True, "prepare_threshold": None, **parameters(url)},
        configure=configure,
        min_size=min_size,
        max_size=max_size,
        timeout=timeout_s,
        max_idle=300,
        reconnect_timeout=60,
        check=_check,
        open=True,
    )


def _check(connection: Connection) -> None:
    """Make sure that an idle connection can be lent. Raises psycopg.OperationalError.

    Whatever ends it, the server or the system, leaves something to be read. Where there is nothing, to
    ask the server would take as long as a short statement, each time.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)
