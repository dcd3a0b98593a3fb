"""The schema: each step once, by one host at a time, and never by a version that doesn't know it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest

from api.schema import SCHEMA
from postgres.connections import connect
from postgres.migrate import Migration, MigrationError, Schema, migrate
from postgres.session import SessionError
from tests.databases import Database, is_current

CATALOGUE = """
select table_name, column_name, data_type, is_nullable, column_default, collation_name
  from information_schema.columns where table_schema = 'roundbook' order by 1, 2;

select indexdef from pg_indexes where schemaname = 'roundbook' order by 1;

select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger
 where not tgisinternal order by 1, 2;

select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
 where connamespace = 'roundbook'::regnamespace order by 1, 2;

select relname, relacl::text from pg_class
 where relnamespace = 'roundbook'::regnamespace order by 1;

select number, name from migrations order by 1;
"""


def schema(database: Database) -> list[Any]:
    with connect(database.owner_url) as owner:
        return [owner.execute(query.encode()).fetchall() for query in CATALOGUE.split("\n\n")]


@pytest.fixture
def empty_database(fresh_database: Database) -> Database:
    """A database that nobody has migrated yet."""
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    return fresh_database


def test_a_schema_that_is_up_to_date_stays_as_it_is(fresh_database: Database) -> None:
    before = schema(fresh_database)
    assert migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url) == []
    assert schema(fresh_database) == before


def test_an_empty_database_gets_the_same_schema_as_any_other(
    database: Database, empty_database: Database
) -> None:
    with connect(empty_database.service_url) as service:
        assert not is_current(SCHEMA, service)
    assert (
        migrate(SCHEMA, empty_database.owner_url, empty_database.service_url) == SCHEMA.migrations()
    )
    assert schema(empty_database) == schema(database)
    with connect(empty_database.service_url) as service:
        assert is_current(SCHEMA, service)


def test_hosts_that_start_at_once_migrate_once(
    database: Database, empty_database: Database
) -> None:
    together = Barrier(3)

    def start(_host: int) -> Sequence[Migration]:
        together.wait()
        return migrate(SCHEMA, empty_database.owner_url, empty_database.service_url)

    with ThreadPoolExecutor(3) as hosts:
        applied = [step for steps in hosts.map(start, range(3)) for step in steps]
    assert sorted(applied) == SCHEMA.migrations()
    assert schema(empty_database) == schema(database)


def test_a_schema_newer_than_the_code_is_refused_and_left_alone(fresh_database: Database) -> None:
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into migrations values (9999, 'of the future', now())")
        before = schema(fresh_database)
        with pytest.raises(MigrationError, match="9999"):
            migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
        assert schema(fresh_database) == before
        assert not is_current(SCHEMA, owner)


def test_a_step_that_fails_leaves_nothing_of_itself_and_keeps_those_before(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema(fresh_database)
    broken = Migration(9998, "broken", "create table half (a int); select 1 / 0;")
    known = SCHEMA.migrations()
    monkeypatch.setattr(Schema, "migrations", lambda self: [*known, broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    assert schema(fresh_database) == before


def test_steps_that_are_missing_are_applied_in_order_and_the_service_may_use_them(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        Migration(9997, "first", "create table more (a int primary key);"),
        Migration(9998, "second", "alter table more add column b int;"),
    ]
    known = SCHEMA.migrations()
    monkeypatch.setattr(Schema, "migrations", lambda self: [*known, *steps])
    with connect(fresh_database.service_url) as service:
        assert not is_current(SCHEMA, service)
        assert migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url) == steps
        assert is_current(SCHEMA, service)
        assert service.execute("select a, b from more").fetchall() == []


BESIDE = {
    "__init__.py": "",
    "migrations/9990_first.sql": "create table first (id int primary key);",
    "models/__init__.py": "",
    "models/late.sql": (
        "-- name: find_late()\nselect id from late;\n\n"
        "-- name: step_9992_wider()#\nalter table late add column share numeric default 1 % 2;\n\n"
        "-- name: step_9991_late()#\n-- Whoever comes late.\n"
        "create table late (id int primary key); create index on late (id);\n"
    ),
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of this test's own with a step, and with two beside a read model."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / f"beside_{tmp_path.name}"
    for name, text in BESIDE.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_steps_stand_in_the_sql_beside_a_module_and_the_service_may_write_what_is_derived(
    package: Path, fresh_database: Database
) -> None:
    extended = Schema((*SCHEMA.packages, package.name), (*SCHEMA.derived, "late"))
    applied = migrate(extended, fresh_database.owner_url, fresh_database.service_url)
    assert [(step.number, step.name) for step in applied] == [
        (9990, "first"),
        (9991, "late"),
        (9992, "wider"),
    ]
    with connect(fresh_database.service_url) as service:
        assert is_current(extended, service)
        service.execute("insert into late (id) values (1), (2)")
        service.execute("update late set id = 3 where id = 2")
        service.execute("delete from late where id = 1")
        assert service.execute("select id, share from late").fetchall() == [(3, 1)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("insert into first values (1)")
    assert migrate(extended, fresh_database.owner_url, fresh_database.service_url) == []


def test_a_number_that_is_given_twice_is_refused(package: Path) -> None:
    (package / "models" / "other.sql").write_text("-- name: step_9991_other()#\nselect 1;\n")
    with pytest.raises(MigrationError, match="late and other are both step 9991"):
        Schema((*SCHEMA.packages, package.name)).migrations()


def test_a_script_that_is_no_step_is_refused(package: Path) -> None:
    (package / "models" / "other.sql").write_text("-- name: stpe_9993_other()#\nselect 1;\n")
    with pytest.raises(MigrationError, match=r"other.sql: stpe_9993_other is no name of a step"):
        Schema((*SCHEMA.packages, package.name)).migrations()


def test_steps_are_numbered_from_one_without_gaps() -> None:
    numbers = [step.number for step in SCHEMA.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_one_credential_for_all_is_migrated_too(empty_database: Database) -> None:
    assert (
        migrate(SCHEMA, empty_database.owner_url, empty_database.owner_url) == SCHEMA.migrations()
    )


def test_a_server_that_is_too_old_is_named_as_people_name_it(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postgres.session.MINIMUM_VERSION", 999_999)
    said = r"^PostgreSQL 15 or later is needed, not [1-9]\d(\.\d+|beta\d+|rc\d+|devel)$"
    with pytest.raises(SessionError, match=said):
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
