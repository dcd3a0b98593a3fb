"""Who migrates waits for others with a word, not for ever, and the service doesn't wait for a migration."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.tenants import Tenant
from postgres import migration_turn
from postgres.connections import Connection, Pool, connect, open_pool
from postgres.migrate import Migration, Schema, migrate
from postgres.migration_turn import MigrationBusyError, no_migration
from postgres.session import PINNED
from tests.databases import Database
from tests.http.service import Running, eventually, on
from tests.recording.sending import logins, send

_LOCK = 0x526F756E64626F6F
_WIDER = Migration(9999, "wider", "alter table roundbook.events add column wider int")


@contextmanager
def somebody_migrates(database: Database) -> Iterator[int]:
    """Hold the lock of who migrates, as one does whose process was stopped; gives the session's pid."""
    with connect(database.owner_url) as owner:
        # PostgreSQL would end it after a minute, which processes may take to start.
        owner.execute("set idle_in_transaction_session_timeout = 0")
        with owner.transaction():
            owner.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            yield owner.info.backend_pid


@contextmanager
def somebody_reads(database: Database) -> Iterator[Connection]:
    """Read the log in a transaction that does not end, as a dump does."""
    with connect(database.owner_url) as owner, owner.transaction():
        owner.execute("select from roundbook.events")
        yield owner


@pytest.fixture
def wider(monkeypatch: pytest.MonkeyPatch) -> Migration:
    """A step more, which needs the table of the log for itself."""
    steps = [*SCHEMA.migrations(), _WIDER]
    monkeypatch.setattr(Schema, "migrations", lambda _: steps)
    return _WIDER


def test_a_migration_that_stands_still_is_named_and_outlasted(
    fresh_database: Database, tmp_path: Path
) -> None:
    with somebody_migrates(fresh_database) as pid:
        waiting = Running(tmp_path, "migrate", settings=on(fresh_database))
        starting = Running(tmp_path, "serve", "--port", "0", settings=on(fresh_database))
        eventually(lambda: f"session {pid} (role 'roundbook_test_owner'" in waiting.log())
        assert f"`select pg_terminate_backend({pid})`" in waiting.log()
        assert "since 20" in waiting.log()
        eventually(lambda: starting.log().count(f"session {pid} ") > 1)
        assert waiting.process.poll() is None
    assert waiting.ended() == (0, "the schema is up to date\n")
    assert starting.line().startswith("Roundbook serves on ")
    starting.stop()


def test_in_the_end_it_is_given_up_and_nothing_was_done(fresh_database: Database) -> None:
    with (
        somebody_migrates(fresh_database) as pid,
        pytest.raises(MigrationBusyError, match=rf"can't be migrated: session {pid} .* migrates"),
    ):
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url, wait_s=0)


def test_a_restore_does_not_begin_beside_a_migration_nor_a_migration_beside_it(
    fresh_database: Database,
) -> None:
    with connect(fresh_database.owner_url) as owner:
        with (
            somebody_migrates(fresh_database),
            pytest.raises(MigrationBusyError, match="nothing was done"),
            no_migration(owner),
        ):
            pytest.fail("it began")
        with (
            no_migration(owner),
            pytest.raises(MigrationBusyError, match="application 'roundbook restore'"),
        ):
            migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url, wait_s=0)


def test_events_are_recorded_while_a_step_waits_for_who_reads(
    fresh_database: Database, wider: Migration
) -> None:
    """It would stand first in the queue of the table, and whoever records behind it."""
    with connect(fresh_database.service_url) as service:
        tenant = create_tenant(service, "acme")
    said: list[str] = []
    tried = Event()

    def say(why: str) -> None:
        said.append(why)
        tried.set()

    def recorded(pool: Pool, tenant: Tenant, names: range) -> int:
        return sum(send(pool, tenant, logins([f"e{n}"])).stored for n in names)

    with (
        open_pool(fresh_database.service_url, max_size=2, lock_timeout_s=10) as pool,
        ThreadPoolExecutor(1) as beside,
    ):
        with somebody_reads(fresh_database) as reader:
            migrating = beside.submit(
                migrate, SCHEMA, fresh_database.owner_url, fresh_database.service_url, say=say
            )
            assert tried.wait(60)
            pid = reader.info.backend_pid
            assert recorded(pool, tenant, range(20)) == 20
            assert not migrating.done()
        assert migrating.result(60) == [wider]
    assert f"session {pid} " in said[0]
    assert "others use its tables" in said[0]


def test_who_migrates_is_ended_by_the_server_where_it_stands_still() -> None:
    """Its lock is that of a transaction, which may not be idle for longer than others wait."""
    allowed = PINNED["idle_in_transaction_session_timeout"]
    assert int(allowed.removesuffix("s")) < migration_turn.WAIT_S
