"""The log can be added to, and nothing else: by grants for the service, by a trigger for the owner too."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from app.accesses import NewAccess, record_accesses
from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect, open_pool
from tests import clusters
from tests.databases import OWNER_ROLE, SERVICE_ROLE, Database
from tests.recording.sending import login, logins, send

TABLES = ("events", "conflicts", "accesses")

# {table} is any of them. Each must be refused for want of privilege, not for another reason.
BY_THE_SERVICE = {
    "update": "update {table} set {key} = {key}",
    "update of no row": "update {table} set {key} = {key} where false",
    "delete": "delete from {table}",
    "delete in a query": "with gone as (delete from {table} returning 1) select count(*) from gone",
    "truncate": "truncate {table}",
    "upsert": (
        "insert into {table} select * from {table} on conflict do nothing;"
        " insert into {table} select * from {table}"
        " on conflict (tenant_id, {key}) do update set tenant_id = 7"
    ),
    "merge": "merge into {table} t using (select 1) as one on true when matched then delete",
    "lock rows": "select 1 from {table} for update",
    "lock the table": "lock table {table} in share row exclusive mode",
    "disable the trigger": "alter table {table} disable trigger append_only",
    "disable all triggers": "alter table {table} disable trigger all",
    "drop the trigger": "drop trigger append_only on {table}",
    "replace the trigger's function": (
        "create or replace function refuse_change() returns trigger language plpgsql as"
        " $$ begin return null; end $$"
    ),
    "drop the trigger's function": "drop function refuse_change() cascade",
    "a trigger of its own": (
        "create trigger another before insert on {table}"
        " for each row execute function suppress_redundant_updates_trigger()"
    ),
    "a rule": "create rule gone as on insert to {table} do instead nothing",
    "alter": "alter table {table} add column more int",
    "rename": "alter table {table} rename to other",
    "own it": "alter table {table} owner to current_user",
    "an index": "create unique index more on {table} (tenant_id)",
    "a policy": "alter table {table} enable row level security",
    "drop": "drop table {table} cascade",
    "drop the schema": "drop schema roundbook cascade",
    "move it": "alter table {table} set schema public",
    "be the owner": f"set role {OWNER_ROLE}",
    "become the owner": f"set session authorization {OWNER_ROLE}",
    "drop what is the owner's": f"drop owned by {OWNER_ROLE}",
    "take what is the owner's": f"reassign owned by {OWNER_ROLE} to current_user",
    "no triggers in this session": "set session_replication_role = replica",
    "copy from a program": "copy {table} from program 'true'",
    "copy to a program": "copy {table} to program 'true'",
    "copy from a file of the server": "copy {table} from '/dev/null'",
    "a table that inherits": "create table roundbook.more () inherits ({table})",
    "a function in the schema": (
        "create function roundbook.now() returns int language sql as 'select 1'"
    ),
    "the catalogue": "update pg_trigger set tgenabled = 'D'",
    "the catalogue's owners": "update pg_class set relowner = current_user::regrole",
}

BY_THE_OWNER = {
    name: BY_THE_SERVICE[name]
    for name in ("update", "update of no row", "delete", "delete in a query", "truncate", "merge")
} | {
    "upsert": (
        "insert into {table} select * from {table}"
        " on conflict (tenant_id, {key}) do update set tenant_id = excluded.tenant_id"
    ),
    "truncate with others": "truncate {table}, snapshots cascade",
}


def filled(statement: str, table: str) -> str:
    return statement.format(table=table, key="position" if table == "events" else "number")


def rows(connection: Connection, tenant: Tenant) -> list[list[tuple[Any, ...]]]:
    return [
        connection.execute(
            f"select * from {table} where tenant_id = %s order by 1, 2", [tenant.tenant_id]
        ).fetchall()
        for table in TABLES
    ]


@pytest.fixture
def recorded(pool: Pool, tenant: Tenant) -> Tenant:
    """A tenant with a log, a register of conflicts and a log of accesses."""
    send(pool, tenant, [*logins(["a", "b"]), login("a", "other"), login("b", "other")])
    with pool.connection() as connection:
        record_accesses(
            connection, tenant.tenant_id, [NewAccess(1, "GET", "/api/v1/history", "", "")] * 2
        )
    return tenant


@pytest.fixture
def service(database: Database) -> Iterator[Connection]:
    with connect(database.service_url) as connection:
        yield connection


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with connect(database.owner_url) as connection:
        yield connection


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("way", BY_THE_SERVICE)
def test_the_service_can_not_change_what_is_recorded(
    way: str, table: str, service: Connection, recorded: Tenant
) -> None:
    before = rows(service, recorded)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), service.transaction():
        service.execute(filled(BY_THE_SERVICE[way], table).encode())
    assert rows(service, recorded) == before


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("way", BY_THE_OWNER)
def test_even_the_owner_is_refused_by_the_trigger(
    way: str, table: str, owner: Connection, recorded: Tenant
) -> None:
    before = rows(owner, recorded)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        owner.transaction(),
    ):
        owner.execute(filled(BY_THE_OWNER[way], table).encode())
    assert rows(owner, recorded) == before


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("table", TABLES)
def test_the_service_can_not_grant_itself_more(table: str, service: Connection) -> None:
    service.execute(f"grant all on {table} to current_user".encode())
    may = service.execute(
        "select has_table_privilege(%(table)s, 'update, delete, truncate, references, trigger')"
        " or has_any_column_privilege(%(table)s, 'update')",
        {"table": table},
    ).fetchone()
    assert may == (False,)


def test_the_service_may_only_read_and_add_to_the_log_and_only_read_the_migrations(
    service: Connection,
) -> None:
    granted = service.execute(
        "select table_name, array_agg(privilege_type::text order by privilege_type::text)"
        "  from information_schema.role_table_grants"
        " where grantee = %s and table_schema = 'roundbook'"
        "   and table_name in ('events', 'conflicts', 'accesses', 'migrations') group by table_name",
        [SERVICE_ROLE],
    ).fetchall()
    assert dict(granted) == {
        "events": ["INSERT", "SELECT"],
        "conflicts": ["INSERT", "SELECT"] if clusters.is_given() else ["SELECT"],
        "accesses": ["SELECT"],
        "migrations": ["SELECT"],
    }


def test_no_other_role_has_any_right_to_the_log(service: Connection) -> None:
    others = service.execute(
        "select c.relname, a.grantee::regrole from pg_class c"
        "  cross join lateral aclexplode(c.relacl) a"
        " where c.relnamespace = 'roundbook'::regnamespace"
        "   and a.grantee not in (%s::regrole, %s::regrole)",
        [OWNER_ROLE, SERVICE_ROLE],
    ).fetchall()
    assert others == []


def test_a_position_or_a_key_or_a_version_can_not_be_taken_twice(
    pool: Pool, recorded: Tenant
) -> None:
    with pool.connection() as connection:
        [(key,), *_] = connection.execute(
            "select key from events where tenant_id = %s", [recorded.tenant_id]
        ).fetchall()
    taken = (
        {"position": 1, "version": 1, "stream": "player:new"},
        {"position": 99, "key": key},
        {"position": 99, "version": 1},
    )
    new = {"key": b"new", "version": 99, "stream": "player:p", "tenant": recorded.tenant_id}
    for place in taken:
        with pytest.raises(psycopg.errors.UniqueViolation), pool.connection() as connection:
            connection.execute(
                "insert into events (tenant_id, position, version, recorded_at, key, stream, topic, state)"
                " values (%(tenant)s, %(position)s, %(version)s, now(), %(key)s, %(stream)s, 't', '')",
                new | place,
            )


def test_one_tenants_log_never_shows_in_anothers(
    database: Database, new_tenant: Callable[..., Tenant]
) -> None:
    one, other = new_tenant(), new_tenant()
    with open_pool(database.service_url, max_size=1) as pool:
        assert send(pool, one, logins(["same", "mine"])).stored == 2
        assert send(pool, other, logins(["same"])).stored == 1
        with pool.connection() as connection:
            assert len(rows(connection, other)[0]) == 1
