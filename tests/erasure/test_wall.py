"""The wall around the log has one door, and only an erasure goes through it."""

from hashlib import sha256

import psycopg
import pytest

from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect
from tests.databases import OWNER_ROLE, Database
from tests.erasure.conftest import rows
from tests.recording.sending import login, logins, send

ALL = ("events", "conflicts", "erased", "erased_conflicts", "holds")

# Position 1 may go: its commitment is kept by the record at 3, of the same player. 2 may not; 4 is another's.
KEEP = (
    "insert into erased select tenant_id, 1, sha256('\\x02'::bytea || salt || state), {record}"
    " from events where tenant_id = {tenant} and position = 1;"
)
OUT = "update events set state = null, salt = '' where tenant_id = {tenant} and position = 1"

REFUSED = {
    "without a commitment": OUT,
    "with another commitment": ("insert into erased values ({tenant}, 1, sha256('x'), 3);" + OUT),
    "with a commitment of the state alone": (
        "insert into erased select tenant_id, 1, sha256('\\x02'::bytea || state), 3"
        " from events where tenant_id = {tenant} and position = 1;" + OUT
    ),
    "by a record that is none": KEEP.replace("{record}", "2") + OUT,
    "by a record that is not there": KEEP.replace("{record}", "9") + OUT,
    "by the record of another player": KEEP.replace("{record}", "5") + OUT,
    "another event": KEEP.replace("{record}", "3") + OUT.replace("= 1", "= 2"),
    "all events": KEEP.replace("{record}", "3") + OUT.replace(" and position = 1", ""),
    "but for the salt": KEEP.replace("{record}", "3") + OUT.replace(", salt = ''", ""),
    "the salt alone": KEEP.replace("{record}", "3") + OUT.replace("state = null, ", ""),
    "into another state": KEEP.replace("{record}", "3") + OUT.replace("null", "'{{}}'"),
    "and more": KEEP.replace("{record}", "3") + OUT.replace("set", "set version = 7,"),
    "of the state where nothing changes": (
        "update events set state = state where tenant_id = {tenant} and position = 1"
    ),
    "of what is erased already": (
        "update events set state = '{{}}' where tenant_id = {tenant} and position = 6"
    ),
    "of its salt": "update events set salt = 'x' where tenant_id = {tenant} and position = 6",
    "of what was refused": "update conflicts set data = null where tenant_id = {tenant}",
    "of its hash": "update conflicts set content_hash = 'x' where tenant_id = {tenant}",
    "of what was refused, and more": (
        "insert into erased_conflicts values ({tenant}, 1, 3);"
        "update conflicts set data = null, unique_id = 'x' where tenant_id = {tenant}"
    ),
    "of what was refused, by a record that is none": (
        "insert into erased_conflicts values ({tenant}, 1, 1);"
        "update conflicts set data = null where tenant_id = {tenant}"
    ),
    "of what was refused into something else": (
        "insert into erased_conflicts values ({tenant}, 1, 3);"
        "update conflicts set data = '{{}}' where tenant_id = {tenant}"
    ),
}


@pytest.fixture
def walled(pool: Pool, tenant: Tenant, owner: Connection) -> Tenant:
    """Logins of p at 1 and 2, of q at 4, records of erasures that erased nothing at 3 and 5, and one at 6."""
    record = '{"positions":[],"reason":"r","by":"b","at":"2025-06-15T12:00:00Z"}'
    send(pool, tenant, logins(["a", "b"]))
    append = (
        "insert into events (tenant_id, position, version, recorded_at, stream, topic, state)"
        " values (%s, %s, %s, now(), %s, 'PlayerErased', %s)"
    )
    owner.execute(append, [tenant.tenant_id, 3, 3, "player:p", record.encode()])
    send(pool, tenant, logins(["c"], "q"))
    owner.execute(append, [tenant.tenant_id, 5, 2, "player:q", record.encode()])
    send(pool, tenant, logins(["d"]))
    owner.execute(append, [tenant.tenant_id, 7, 5, "player:p", record.encode()])
    owner.execute("select erase(%s, 7, '{6}', '{}')", [tenant.tenant_id])
    send(pool, tenant, [login("c", "q", more="1")])
    return tenant


@pytest.mark.parametrize("way", REFUSED)
def test_nothing_else_than_an_erasure_changes_the_log(
    way: str, owner: Connection, walled: Tenant
) -> None:
    before = [rows(owner, table, walled) for table in ALL]
    statements = REFUSED[way].format(tenant=walled.tenant_id)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        owner.transaction(),
    ):
        owner.execute(statements.encode())
    assert [rows(owner, table, walled) for table in ALL] == before


def test_an_erasure_does(owner: Connection, walled: Tenant) -> None:
    [salt, state] = owner.execute(
        "select salt, state from events where tenant_id = %s and position = 1", [walled.tenant_id]
    ).fetchall()[0]
    owner.execute("select erase(%s, 3, '{1}', '{1}')", [walled.tenant_id])
    kept = (walled.tenant_id, 1, sha256(b"\x02" + salt + state).digest(), 3)
    assert kept in rows(owner, "erased", walled)
    left = "select position, salt, state from events where tenant_id = %s and state is null"
    assert sorted(owner.execute(left, [walled.tenant_id]).fetchall()) == [
        (1, b"", None),
        (6, b"", None),
    ]
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute("select erase(%s, 3, '{1}', '{}')", [walled.tenant_id])


@pytest.mark.parametrize("table", ["erased", "erased_conflicts", "holds"])
@pytest.mark.parametrize(
    "statement",
    [
        "update {table} set tenant_id = tenant_id where false",
        "delete from {table} where false",
        "truncate {table}",
    ],
)
def test_what_was_erased_or_held_stays_known(table: str, statement: str, owner: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement.format(table=table).encode())


def test_only_the_owner_erases(database: Database, walled: Tenant, owner: Connection) -> None:
    with connect(database.service_url) as service:
        for statement in (
            f"select erase({walled.tenant_id}, 3, '{{1}}', '{{}}')",
            "insert into erased values (1, 1, '', 1)",
            "insert into erased_conflicts values (1, 1, 1)",
            "insert into holds values (1, 1, 'p', false, '', '', now())",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
                service.execute(statement.encode())
    found = owner.execute(
        "select p.proacl::text, p.prosecdef, p.proconfig from pg_proc p"
        " where p.proname = 'erase' and p.pronamespace = 'roundbook'::regnamespace"
    ).fetchall()
    assert found == [(f"{{{OWNER_ROLE}=X/{OWNER_ROLE}}}", True, ["search_path=roundbook, pg_temp"])]


def test_a_table_of_the_session_does_not_stand_for_the_kept_commitments(
    owner: Connection, walled: Tenant
) -> None:
    statements = (
        "set local search_path = pg_temp, roundbook;"
        "create temp table erased (like roundbook.erased) on commit drop;"
        + KEEP.format(tenant=walled.tenant_id, record=3)
        + OUT.format(tenant=walled.tenant_id)
    )
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        owner.transaction(),
    ):
        owner.execute(statements.encode())
