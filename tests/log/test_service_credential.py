"""Who holds the service's credential adds to logs by the ways that are meant for it, and no more."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest

from api.schema import SCHEMA
from app.accesses import NewAccess, record_accesses
from app.log.append import locked_log
from app.tenants import (
    Tenant,
    TenantError,
    allow_currency,
    create_key,
    find_key,
    list_keys,
    revoke_key,
)
from postgres.connections import Connection, Pool, connect
from postgres.migrate import migrate
from postgres.privileges import (
    TooMuchPrivilegeError,
    check_service_privileges,
    needless_privileges,
)
from tests.databases import OWNER_ROLE, SERVICE_ROLE, Database
from tests.recording.sending import login, logins, send

# {t} is a tenant with two events, two conflicts, a key and an access; {other} has nothing but a key.
REFUSED = {
    # Keys.
    "read the hashes of keys": "select key_hash from api_keys",
    "read what else is kept of keys": "select key_id from api_keys",
    "plant a key": "insert into api_keys values (999, sha256('x'), {t}, '{{audit}}', '', now(), null, null)",
    "widen a key": "update api_keys set scopes = '{{ingest,read,audit}}'",
    "prolong a key": "update api_keys set expires_at = null",
    "bring a key back": "update api_keys set revoked_at = null",
    "move a key to another tenant": "update api_keys set tenant_id = {other}",
    "delete a key": "delete from api_keys",
    "make a key whose hash is none": "select make_key('x', {t}, '{{read}}', '', null)",
    "make a key that never ends in time": "select make_key(sha256('x'), {t}, '{{read}}', '', 'infinity')",
    "make a tenant of two lines": "select add_tenant(E'a\\nb', '{{}}')",
    "make a tenant whose currency is none": "select add_tenant('fit', '{{E U R}}')",
    "allow what is no currency": "select allow_currency({t}, E'a\\tb')",
    "access by no key": "select record_accesses({t}, '{{-1}}', '{{GET}}', '{{/}}', '{{}}', '{{}}')",
    "make a key of a scope that is none": "select make_key(sha256('x'), {t}, '{{all}}', '', null)",
    # Tenants.
    "make a tenant with a number of one's own": "insert into tenants values (2147483647, 'last', now())",
    "rename a tenant": "update tenants set name = 'other' where tenant_id = {t}",
    "drop a tenant": "delete from tenants where tenant_id = {t}",
    "lock all tenants at once": "select from tenants for update",
    "allow a code": "insert into tenant_currencies values ({t}, 'XXX')",
    "disallow a code": "delete from tenant_currencies",
    # Logs.
    "insert a log": "insert into logs values ({t}, 9, sha256('x'), now(), null, null)",
    "begin a log beside that which goes on": "select begin_log({t}, substr(sha256('x'), 1, 16), null, null)",
    "begin a log that follows another's": (
        "select begin_log({t}, substr(sha256('x'), 1, 16),"
        " (select log_id from logs where tenant_id = {other}), 'note')"
    ),
    "begin a log that follows, without a note": (
        "select begin_log({t}, substr(sha256('x'), 1, 16),"
        " (select log_id from logs where tenant_id = {t}), null)"
    ),
    "begin a log with the id of another": (
        "select begin_log({t}, (select log_id from logs where tenant_id = {other}),"
        " (select log_id from logs where tenant_id = {t}), 'note')"
    ),
    "begin a log of no tenant": "select begin_log(0, substr(sha256('x'), 1, 16), null, null)",
    # Leaf hashes.
    "insert leaf hashes": "insert into leaf_runs values ({t}, 1, 3, sha256('x'))",
    "hashes again": "select add_leaf_run({t}, 1, 1, sha256('x'))",
    "hashes again, for the second of a run": "select add_leaf_run({t}, 1, 2, sha256('x'))",
    "hashes beyond the head": "select add_leaf_run({t}, 1, 3, sha256('x'))",
    "hashes that begin beyond the head": "select add_leaf_run({t}, 1, 99, sha256('x'))",
    "hashes that end beyond the head": (
        "select add_leaf_run({t}, 1, 2, sha256('x') || sha256('y'))"
    ),
    "hashes of what is before all": "select add_leaf_run({t}, 1, 0, sha256('x'))",
    "half a hash": "select add_leaf_run({t}, 1, 1, 'x')",
    "no hashes": "select add_leaf_run({t}, 1, 1, '')",
    "hashes of a log that is not there": "select add_leaf_run({t}, 7, 1, sha256('x'))",
    "hashes of a tenant that is not there": "select add_leaf_run(0, 1, 1, sha256('x'))",
    # The register of conflicts and the log of accesses.
    "insert a conflict": (
        "insert into conflicts values ({t}, 9, 1, now(), '', '', 'id', 'login', '{{}}')"
    ),
    "a conflict of an event that is not there": (
        "select register_conflict({t}, 9, substr(sha256('x'), 1, 16), substr(sha256('x'), 1, 16),"
        " 'id', 'login', '{{}}')"
    ),
    "a conflict under the key of another event": (
        "select register_conflict({t}, 1, (select key from events where tenant_id = {t} and position = 2),"
        " substr(sha256('x'), 1, 16), 'id', 'login', '{{}}')"
    ),
    "a conflict that looks erased": (
        "select register_conflict({t}, 1, (select key from events where tenant_id = {t} and position = 1),"
        " substr(sha256('x'), 1, 16), 'id', 'login', null)"
    ),
    "insert an access": "insert into accesses values (9, now(), {t}, 1, 'GET', '/', '', '')",
    # Erasing, holds.
    "erase": "select erase({t}, 1, '{{1}}', '{{}}')",
    "say that something was erased": "insert into erased values ({t}, 1, '', 1)",
    "hold, or release": "insert into holds values ({t}, 1, 'p', false, '', '', now())",
    # Evidence: what is there stays.
    "change a key that signs": "update log_keys set revoked = true",
    "take back a checkpoint": "delete from checkpoints",
    "change a tile": "update tiles set hashes = ''",
    "take back an anchor": "delete from anchors",
    "change a statement": "update head_statements set size = 1",
    # What it has no use for, and would fill the disk with, or hide behind.
    "large objects": "select lo_create(0)",
    "large objects, otherwise": "select lo_creat(-1)",
    "large objects from bytes": "select lo_from_bytea(0, 'x')",
    "large objects from files": "select lo_import('/etc/hostname')",
    "temporary tables": "create temporary table t (a int)",
    "temporary views": "create temporary view v as select 1",
    "temporary functions": "create function pg_temp.f() returns int language sql as 'select 1'",
    "tables in public": "create table public.t (a int)",
    "tables": "create table roundbook.t (a int)",
    "types": "create type roundbook.t as (a int)",
    "schemas": "create schema more",
    "operators": "create operator public.= (leftarg = int, rightarg = text, function = int4eq)",
    "the time of the server's files": "select pg_stat_file('postgresql.conf')",
    "read files": "select pg_read_file('postgresql.conf')",
    "a trigger's function, by name": "alter function check_appended() owner to current_user",
    "the migrations": "insert into migrations values (99, 'x', now())",
}


@pytest.fixture
def service(database: Database) -> Iterator[Connection]:
    with connect(database.service_url) as connection:
        yield connection


@pytest.fixture
def recorded(pool: Pool, tenant: Tenant) -> Tenant:
    send(pool, tenant, [*logins(["a", "b"]), login("a", "other"), login("b", "other")])
    with pool.connection() as connection:
        create_key(connection, tenant, ["read"])
        record_accesses(connection, tenant.tenant_id, [NewAccess(1, "GET", "/", "", "")])
    return tenant


@pytest.mark.parametrize("way", REFUSED)
def test_what_a_service_does_not_do_is_refused_to_its_credential(
    way: str, service: Connection, recorded: Tenant, new_tenant: Callable[..., Tenant]
) -> None:
    statement = REFUSED[way].format(t=recorded.tenant_id, other=new_tenant().tenant_id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), service.transaction():
        service.execute(statement.encode())


def test_no_privilege_is_needless(database: Database, service: Connection) -> None:
    assert needless_privileges(service) == []
    with connect(database.owner_url) as owner:
        assert "write roundbook.api_keys without its functions" in {
            found.may for found in needless_privileges(owner)
        }


def test_a_needless_privilege_is_told_with_what_takes_it_away(fresh_database: Database) -> None:
    name = urlsplit(fresh_database.owner_url).path.removeprefix("/")
    granted = {
        "write roundbook.api_keys without its functions": f"grant insert on api_keys to {SERVICE_ROLE}",
        "write roundbook.tenants without its functions": f"grant update on tenants to {SERVICE_ROLE}",
        "read the hashes in roundbook.api_keys": (
            f"grant select (key_hash) on api_keys to {SERVICE_ROLE}"
        ),
        "make tables in the schema roundbook": f"grant create on schema roundbook to {SERVICE_ROLE}",
        "make temporary tables": f'grant temporary on database "{name}" to public',
        "make schemas": f'grant create on database "{name}" to public',
        "make large objects": "grant execute on function lo_create(oid) to public",
    }
    with psycopg.connect(fresh_database.admin_url, dbname=name, autocommit=True) as admin:
        admin.execute("set search_path = roundbook")
        for grant in granted.values():
            admin.execute(grant.encode())
    with connect(fresh_database.service_url) as service:
        found = needless_privileges(service)
    assert {each.may for each in found} == granted.keys()
    with psycopg.connect(fresh_database.admin_url, dbname=name, autocommit=True) as admin:
        for each in found:
            if each.remedy != "roundbook migrate":
                admin.execute(each.remedy.encode())
    migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with connect(fresh_database.service_url) as service:
        assert [each.may for each in needless_privileges(service)] == [
            "make tables in the schema roundbook"
        ]


def test_what_was_restored_without_its_privileges_gets_them_back(fresh_database: Database) -> None:
    with connect(fresh_database.owner_url) as owner:
        owner.execute("grant execute on all functions in schema roundbook to public")
    with pytest.raises(TooMuchPrivilegeError):
        check_service_privileges(fresh_database.service_url)
    migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    check_service_privileges(fresh_database.service_url)
    with connect(fresh_database.service_url) as service:
        callable_by_all = service.execute(
            "select p.proname, p.prosecdef from pg_proc p where p.pronamespace = 'roundbook'::regnamespace"
            " and (p.proacl is null or '=X/%(owner)s' = any(p.proacl::text[]))".replace(
                "%(owner)s", OWNER_ROLE
            ).encode()
        ).fetchall()
    # With the rights of who asks.
    assert sorted(callable_by_all) == [
        ("bucket_clock", False),
        ("later", False),
        ("log_head", False),
    ]


def test_what_a_service_does_it_can(pool: Pool, recorded: Tenant) -> None:
    with pool.connection() as connection:
        key = create_key(connection, recorded, ["ingest", "audit"], label="platform")
        found = find_key(connection, key.key)
        assert found is not None
        assert (found.key.key_id, found.key.scopes, found.key.label, found.tenant) == (
            *(key.key_id, ["ingest", "audit"], "platform"),
            recorded,
        )
        assert find_key(connection, "rb_another") is None
        assert list_keys(connection, recorded)[-1] == found.key
        assert revoke_key(connection, key.key_id) is None
        revoked = list_keys(connection, recorded)[-1]
        assert revoked.revoked_at is not None
        assert revoke_key(connection, key.key_id) == revoked.revoked_at
        with pytest.raises(TenantError, match="no key"):
            revoke_key(connection, 2**31 - 1)
        assert allow_currency(connection, recorded.name, "DOGE")
        assert not allow_currency(connection, recorded.name, "DOGE")
    assert send(pool, recorded, logins(["c"])).stored == 1


def test_one_clock_tells_when_events_are_recorded(pool: Pool, recorded: Tenant) -> None:
    with pool.connection() as connection, locked_log(connection, recorded.tenant_id) as log:
        found = connection.execute("select clock_timestamp() - %s", [log.now]).fetchone()
    assert found is not None
    assert timedelta(0) <= found[0] < timedelta(minutes=5)
