"""Which transactions the watchdog ends, and which it leaves alone."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import psycopg
import pytest

from api.tenancy import create_tenant
from app.log.statements import SQL
from postgres.connections import Connection, connect
from postgres.errors import UNAVAILABLE
from postgres.watchdog import Watchdog
from tests.databases import Database
from tests.http.service import eventually
from tests.waiting import waiting_sessions

_STALLED_S = 0.3
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_ROW_WITH_A_LONG_FIELD = b"\x00\x0a" + b"\x00\x10\x00\x00"
_LOCK = "select 1 from lock_log(%s)"


@pytest.fixture
def session(fresh_database: Database, cleanup: ExitStack) -> Connection:
    return cleanup.enter_context(closing(connect(fresh_database.service_url)))


@pytest.fixture
def watcher(fresh_database: Database, cleanup: ExitStack) -> Connection:
    return cleanup.enter_context(closing(connect(fresh_database.service_url)))


def state(watcher: Connection, session: Connection) -> tuple[str, str]:
    """What PostgreSQL says that a session does, and what it waits for."""
    found = watcher.execute(
        "select state, coalesce(wait_event, '') from pg_stat_activity where pid = %s",
        [session.info.backend_pid],
    ).fetchone()
    return found or ("gone", "")


def ended(watcher: Connection) -> list[int]:
    """What the watchdog ends, once it ends something."""
    watchdog = Watchdog(stalled_s=_STALLED_S)
    found: list[int] = []

    def look() -> bool:
        found.extend(watchdog.look(watcher))
        return bool(found)

    eventually(look)
    return found


def left_alone(watcher: Connection) -> bool:
    """Tell whether the watchdog ends nothing, though nothing moves for long enough."""
    watchdog = Watchdog(stalled_s=_STALLED_S)
    for _ in range(3):
        if watchdog.look(watcher):
            return False
        time.sleep(_STALLED_S)
    return not watchdog.look(watcher)


def test_a_transaction_silent_inside_copy_is_ended_and_its_lock_is_free(
    session: Connection, watcher: Connection
) -> None:
    create_tenant(watcher, "acme")

    def stall() -> None:
        with session.transaction(), session.cursor() as cursor:
            session.execute(_LOCK, [1])
            with cursor.copy(SQL.copy_events.sql) as sink:
                sink.write(_COPY_HEADER)
                assert ended(watcher) == [session.info.backend_pid]
                eventually(lambda: state(watcher, session) == ("gone", ""))
                sink.write(_ROW_WITH_A_LONG_FIELD)

    with pytest.raises(psycopg.OperationalError):
        stall()
    watcher.execute("set lock_timeout = '10s'")
    assert watcher.execute(_LOCK, [1]).rowcount == 1


def test_a_transaction_silent_between_statements_is_ended(
    session: Connection, watcher: Connection
) -> None:
    session.execute("begin")
    assert ended(watcher) == [session.info.backend_pid]
    eventually(lambda: state(watcher, session) == ("gone", ""))


def test_a_transaction_that_just_began_to_wait_is_left_alone(
    session: Connection, watcher: Connection
) -> None:
    session.execute("begin")
    assert Watchdog(stalled_s=60).look(watcher) == []


def test_a_copy_that_moves_is_left_alone_however_slow_it_is(
    session: Connection, watcher: Connection
) -> None:
    watchdog = Watchdog(stalled_s=5 * _STALLED_S)

    def copy_slowly() -> None:
        with session.cursor() as cursor, cursor.copy(SQL.copy_events.sql) as sink:
            sink.write(_COPY_HEADER + _ROW_WITH_A_LONG_FIELD)
            for _ in range(10):
                sink.write(bytes(20_000))  # libpq holds less back
                time.sleep(_STALLED_S)
                assert watchdog.look(watcher) == []
            eventually(lambda: watchdog.look(watcher) == [session.info.backend_pid])
            eventually(lambda: state(watcher, session) == ("gone", ""))

    with pytest.raises(psycopg.OperationalError):
        copy_slowly()


def test_a_session_without_a_transaction_is_left_alone(
    session: Connection, watcher: Connection
) -> None:
    session.execute("select 1")
    assert left_alone(watcher)


def test_a_transaction_that_computes_or_waits_for_a_lock_is_left_alone(
    session: Connection, watcher: Connection, fresh_database: Database
) -> None:
    create_tenant(watcher, "acme")
    with connect(fresh_database.service_url) as waiter, ThreadPoolExecutor() as threads:
        session.execute("begin")
        session.execute(_LOCK, [1])
        sleeping = threads.submit(session.execute, "select pg_sleep(600)")
        waiting = threads.submit(waiter.execute, _LOCK, [1])
        eventually(lambda: state(watcher, session) == ("active", "PgSleep"))
        eventually(lambda: waiting_sessions(fresh_database.service_url) == 1)
        assert left_alone(watcher)
        session.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            sleeping.result()
        session.execute("rollback")
        assert waiting.result().rowcount == 1


def test_others_are_left_alone_whatever_they_do(
    watcher: Connection, fresh_database: Database, database: Database
) -> None:
    with (
        psycopg.connect(fresh_database.service_url) as operator,
        connect(fresh_database.owner_url) as owner,
        connect(database.service_url) as elsewhere,
    ):
        for session in (operator, owner, elsewhere):
            session.execute("begin" if session.autocommit else "select 1")
        assert left_alone(watcher)


def test_a_process_that_postgresql_gave_up_waiting_for_learns_that_the_store_did_not_confirm(
    session: Connection, watcher: Connection
) -> None:
    session.execute("set idle_in_transaction_session_timeout = '1ms'")
    session.execute("begin")
    eventually(lambda: state(watcher, session) == ("gone", ""))
    with pytest.raises(UNAVAILABLE) as raised:
        session.execute("select 1")
    assert raised.type is psycopg.errors.IdleInTransactionSessionTimeout
