"""Through a pooler all goes on as without, or is refused by name: pgbouncer, in each of its modes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.tenants import SCOPES, create_key, find_tenant
from postgres.connections import connect, open_pool
from postgres.pooling import begin, is_pooled
from postgres.reaching import UnreachableError, reach
from postgres.session import PINNED, SessionError
from tests.database.pooler import Pooler, pooling
from tests.databases import Database, new_database
from tests.faults.checking import assert_exactly_once
from tests.faults.places import open_account
from tests.faults.sending import Load, traffic
from tests.http.service import Running, on, roundbook, serving

NEEDS = "needs a session of its own"


@pytest.fixture(scope="module")
def pooler(database: Database) -> Iterator[Pooler]:
    """A pgbouncer that gives each transaction one of three sessions in turn."""
    with pooling(database.service_url, database.owner_url, sessions=3) as running:
        yield running


def name_of(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    return connection.info.dbname


def settings_of(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, str]:
    return dict(connection.execute("select name, setting from pg_settings").fetchall())


def sleep(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    with connection.transaction():
        connection.execute("set local statement_timeout = '1ms'")
        connection.execute("select pg_sleep(60)")


def test_what_only_passes_bytes_on_is_no_pooler(database: Database) -> None:
    with connect(database.service_url) as connection:
        assert not is_pooled(connection)


def test_each_transaction_has_the_settings_of_a_session_and_leaves_nothing_to_others(
    database: Database, pooler: Pooler
) -> None:
    url = pooler.url(database.service_url)
    with connect(database.service_url) as direct:
        wanted = settings_of(direct)
    # The pooler keeps a name by itself, and gives it to who has none.
    names = [name for name in PINNED if name != "application_name"]
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as other:
        before = [settings_of(other) for _ in range(6)]
        with (
            connect(url) as connection,
            open_pool(url, max_size=2, statement_timeout_s=7, lock_timeout_s=3) as pool,
            pool.connection() as lent,
        ):
            for _ in range(6):
                found = settings_of(connection)
                assert {n: found.get(n) for n in names} == {n: wanted.get(n) for n in names}
            with lent.transaction():
                first = lent.execute("select pg_backend_pid()").fetchone()
                with lent.transaction():
                    assert settings_of(lent)["statement_timeout"] == "7000"
                assert settings_of(lent)["lock_timeout"] == "3000"
                assert lent.execute("select pg_backend_pid()").fetchone() == first
            begin(lent, "begin isolation level repeatable read read only")
            shown = settings_of(lent)
            assert shown["transaction_isolation"] == "repeatable read"
            assert shown["transaction_read_only"] == "on"
            assert shown["search_path"] == "roundbook, pg_temp"
            lent.rollback()
            with lent.cursor() as cursor, cursor.copy("copy tenants to stdout") as source:
                list(source)
            with pytest.raises(psycopg.errors.QueryCanceled):
                sleep(lent)
            assert settings_of(lent)["statement_timeout"] == "7000"
            with connection.transaction():  # so that the pooler has two sessions at least
                connection.execute("select 1")
                lent.execute("select 1")
            pids = {lent.execute("select pg_backend_pid()").fetchone() for _ in range(6)}
            assert len(pids) > 1, "each statement had the same session: this pooler shows nothing"
        after = [settings_of(other) for _ in range(6)]
    assert [n for n in names for found in after if found.get(n) != before[0].get(n)] == []


def test_hostile_settings_of_the_role_change_no_transaction_through_a_pooler(
    database: Database, pooler: Pooler
) -> None:
    with connect(database.service_url) as own:
        for name, value in {
            "search_path": "pg_catalog",
            "default_transaction_isolation": "serializable",
            "statement_timeout": "5s",
        }.items():
            own.execute(
                f"alter role current_user in database {name_of(own)} set {name} = '{value}'"
            )
        try:
            with (
                pooling(database.service_url) as fresh,
                connect(fresh.url(database.service_url)) as found,
            ):
                shown = settings_of(found)
                assert shown["search_path"] == "roundbook, pg_temp"
                assert shown["transaction_isolation"] == "read committed"
                assert shown["transaction_read_only"] == "off"
                assert shown["statement_timeout"] == "0"
            own.execute(
                f"alter role current_user in database {name_of(own)} set default_transaction_read_only = on"
            )
            with (
                pooling(database.service_url) as fresh,
                pytest.raises(SessionError, match="read_only = on"),
            ):
                connect(fresh.url(database.service_url))
        finally:
            own.execute(f"alter role current_user in database {name_of(own)} reset all")


def test_under_load_through_a_pooler_nothing_is_lost_or_doubled_and_all_queries_answer(
    fresh_database: Database, tmp_path: Path
) -> None:
    """Recording and queries go through it, and what projects does, too."""
    account = open_account(fresh_database.service_url, "acme")
    with pooling(fresh_database.service_url, fresh_database.owner_url, sessions=3) as pooler:
        url = pooler.url(fresh_database.service_url)
        through = {"ROUNDBOOK_DATABASE_URL": url}
        projector = Running(tmp_path, "project", settings=through)
        try:
            with serving(
                tmp_path, "--no-projections", "--workers", "2", settings=through
            ) as service:
                with Load() as load:
                    for seed in range(3):
                        load.add(service.url, account.key, traffic(seed))
                    load.goes_on(60)
                assert_exactly_once(
                    service.url,
                    fresh_database.service_url,
                    account.tenant_id,
                    account.key,
                    load.ledger,
                )
                with service.client(account.key) as client:
                    for path in ("status", "balances", "rounds", "history", "accesses"):
                        answer = client.get(f"/api/v1/{path}", headers={"accept": "*/*"})
                        assert answer.status_code == 200, answer.text
                assert "Traceback" not in service.log() + projector.log()
        finally:
            projector.stop()
    with connect(fresh_database.owner_url) as owner:
        strays = owner.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert strays == []


def test_what_needs_a_session_of_its_own_is_refused_by_name(
    fresh_database: Database, tmp_path: Path
) -> None:
    with (
        pooling(fresh_database.service_url, fresh_database.owner_url) as pooler,
        connect(fresh_database.service_url) as service,
    ):
        direct = on(fresh_database)
        through = direct | {
            "ROUNDBOOK_DATABASE_URL": pooler.url(fresh_database.service_url),
            "ROUNDBOOK_OWNER_URL": pooler.url(fresh_database.owner_url),
        }
        roundbook("tenant", "create", "acme", settings=direct)
        for command in (
            ["serve", "--port", "0"],
            ["seal"],
            ["migrate"],
            ["backup", str(tmp_path / "backup")],
            ["verify", "acme"],
        ):
            ended = roundbook(*command, settings=through, check=False)
            assert ended.returncode in {1, 2}, command  # 2 where `verify` can't tell
            assert NEEDS in ended.stderr, ended.stderr
            assert "through a pooler (127.0.0.1, port" in ended.stderr
        assert list(tmp_path.iterdir()) == []
        roundbook("tenant", "list", settings=through)
        create_key(service, find_tenant(service, "acme"), SCOPES)


def test_a_pooler_without_a_schema_after_it_gets_no_tables_in_public(
    database: Database, admin_url: str
) -> None:
    with new_database(admin_url, empty=True) as empty:
        with pooling(empty.owner_url, ignore_startup_parameters="options") as pooler:
            url = pooler.url(empty.owner_url)
            ended = roundbook("migrate", settings={"ROUNDBOOK_DATABASE_URL": url}, check=False)
            assert ended.returncode == 1
            assert NEEDS in ended.stderr
        with psycopg.connect(empty.owner_url) as owner:
            found = owner.execute(
                "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where nspname in ('public', 'roundbook')"
            ).fetchone()
    assert found == (0,)


def test_a_pooler_of_sessions_works_and_one_of_statements_is_refused_by_name(
    database: Database,
) -> None:
    url = database.service_url
    with (
        pooling(url, mode="session") as sessions,
        connect(sessions.url(url)) as connection,
    ):
        assert is_pooled(connection)
        assert connection.execute("select count(*) from tenants").fetchone() is not None
    with (
        pooling(url, mode="statement") as statements,
        pytest.raises(SessionError, match="takes no transactions"),
    ):
        connect(statements.url(url))


def test_what_a_pooler_refuses_for_good_is_not_waited_for(
    database: Database, pooler: Pooler
) -> None:
    url = pooler.url(database.service_url)
    for wrong in (f"{url}?options=-cgeqo%3Doff", url.replace(":for-tests-only@", ":wrong@")):
        with pytest.raises(UnreachableError, match="ROUNDBOOK_DATABASE_URL"):
            reach("ROUNDBOOK_DATABASE_URL", wrong)


def test_the_doctor_says_that_a_pooler_is_between(database: Database) -> None:
    with pooling(database.service_url, ignore_startup_parameters="options") as pooler:
        settings = {"ROUNDBOOK_DATABASE_URL": pooler.url(database.service_url)}
        said = roundbook("doctor", "--json", settings=settings, check=False).stdout
    found = [json.loads(line) for line in said.splitlines()]
    [credential] = [each for each in found if each["check"] == "credential of the service"]
    assert credential["verdict"] == "warning"
    assert "through a pooler" in credential["what"]
