"""The check at the start: a credential that can do more than add to the log is refused."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from psycopg import sql

from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.log.snapshots import SnapshotRecorder
from app.tenants import allow_currency, create_key, find_key, list_keys, list_tenants, revoke_key
from postgres.connections import open_pool
from postgres.migrate import MigrationError
from postgres.privileges import TooMuchPrivilegeError, check_service_privileges
from tests.databases import OWNER_ROLE, SERVICE_ROLE, Database, is_current
from tests.projections.helpers import project
from tests.recording.sending import login, logins, send

ODD_ROLE = f"roundbook_test_odd_{os.getpid()}"
HELPER_ROLE = f"roundbook_test_helper_{os.getpid()}"

# Run in the database, as its owner or, where that may not, as the master of the server.
TOO_MUCH = {
    "update": "grant update on events to {odd}",
    "update of one column": "grant update (state) on events to {odd}",
    "update of conflicts": "grant update on conflicts to {odd}",
    "delete": "grant delete on events to {odd}",
    "truncate": "grant truncate on conflicts to {odd}",
    "triggers": "grant trigger on events to {odd}",
    "everything": "grant all on all tables in schema roundbook to {odd}",
    "erase": "grant execute on function erase(int, bigint, bigint[], bigint[]) to {odd}",
    "everybody may erase": "grant execute on function erase(int, bigint, bigint[], bigint[]) to public",
    "everybody may": "grant update on events to public",
    "it may become the owner": f"grant {OWNER_ROLE} to {{odd}}",
    "it may become someone who may update": (
        "grant usage on schema roundbook to {helper}; grant update on events to {helper};"
        " grant {helper} to {odd}"
    ),
    "it owns the schema, so it may drop what is in it": "alter schema roundbook owner to {odd}",
    "it owns the database": "alter database {database} owner to {odd}",
    "it may create roles": "alter role {odd} createrole",
    "it may run programs on the server": "grant pg_execute_server_program to {odd}",
}


def named(database: Database) -> str:
    return urlsplit(database.owner_url).path.removeprefix("/")


@pytest.fixture
def odd_url(fresh_database: Database) -> Iterator[str]:
    """A credential with just what the service needs, in a database of its own. It inherits nothing."""
    with psycopg.connect(
        fresh_database.admin_url, dbname=named(fresh_database), autocommit=True
    ) as admin:
        names = {"odd": sql.Identifier(ODD_ROLE), "helper": sql.Identifier(HELPER_ROLE)}
        admin.execute(sql.SQL("create role {odd} login noinherit password 'odd'").format(**names))
        admin.execute(sql.SQL("create role {helper}").format(**names))
        admin.execute(sql.SQL("grant {odd}, {helper} to current_user").format(**names))
        try:
            run(
                fresh_database,
                "grant usage on schema roundbook to {odd};"
                " grant select, insert on all tables in schema roundbook to {odd}",
            )
            parts = urlsplit(fresh_database.service_url)
            host = parts.netloc.rpartition("@")[2]
            yield urlunsplit(parts._replace(netloc=f"{ODD_ROLE}:odd@{host}"))
        finally:
            run(fresh_database, f"alter schema roundbook owner to {OWNER_ROLE}")
            run(fresh_database, f"alter database {{database}} owner to {OWNER_ROLE}")
            for role in names.values():
                admin.execute(sql.SQL("drop owned by {}").format(role))
                admin.execute(sql.SQL("drop role {}").format(role))


def run(database: Database, statements: str) -> None:
    """Run statements as whoever made the databases."""
    with psycopg.connect(database.admin_url, dbname=named(database), autocommit=True) as admin:
        admin.execute("set search_path = roundbook")
        admin.execute(
            sql.SQL(statements).format(
                odd=sql.Identifier(ODD_ROLE),
                helper=sql.Identifier(HELPER_ROLE),
                database=sql.Identifier(named(database)),
            )
        )


def test_a_credential_with_just_what_the_service_needs_is_accepted(
    database: Database, odd_url: str
) -> None:
    check_service_privileges(database.service_url)
    check_service_privileges(odd_url)


@pytest.mark.parametrize("way", TOO_MUCH)
def test_a_credential_that_can_do_more_is_refused(
    way: str, fresh_database: Database, odd_url: str
) -> None:
    run(fresh_database, TOO_MUCH[way])
    with pytest.raises(TooMuchPrivilegeError, match=ODD_ROLE):
        check_service_privileges(odd_url)


def test_the_owner_is_refused(database: Database) -> None:
    with pytest.raises(TooMuchPrivilegeError, match=OWNER_ROLE):
        check_service_privileges(database.owner_url)


def test_the_master_of_the_server_is_refused(database: Database) -> None:
    parts = urlsplit(database.admin_url)
    with pytest.raises(TooMuchPrivilegeError):
        check_service_privileges(urlunsplit(parts._replace(path=f"/{named(database)}")))


def test_a_database_without_the_log_is_told_apart_from_one_with_too_much_privilege(
    fresh_database: Database,
) -> None:
    run(fresh_database, "drop schema roundbook cascade")
    with pytest.raises(MigrationError, match="missing"):
        check_service_privileges(fresh_database.service_url)


def test_the_refusal_names_the_role_and_the_setting(fresh_database: Database) -> None:
    run(fresh_database, f"grant delete on conflicts to {SERVICE_ROLE}")
    with pytest.raises(
        TooMuchPrivilegeError, match=f"'{SERVICE_ROLE}' of ROUNDBOOK_DATABASE_URL.*conflicts"
    ):
        check_service_privileges(fresh_database.service_url)


def test_the_service_can_do_all_that_it_does(fresh_database: Database) -> None:
    with open_pool(fresh_database.service_url, max_size=3) as pool, pool.connection() as service:
        tenant = create_tenant(service, "t", ["BTC"])
        allow_currency(service, "t", "USDT")
        key = create_key(service, tenant, ["ingest"])
        assert find_key(service, key.key)
        revoke_key(service, key.key_id)
        assert len(list_keys(service, tenant)) == len(list_tenants(service)) == 1
        send(pool, tenant, [*logins(["a", "b"]), login("a", "other")])
        assert project(pool, tenant) == 2
        snapshots = SnapshotRecorder(pool, tenant.tenant_id)
        snapshots.insert_events([StoredEvent("player:p", 1, "Player", b"{}")])
        assert len(snapshots.select_events("player:p")) == 1
        # Read models and snapshots are derived from the log: a rebuild writes and deletes them.
        for table in (
            *("balances", "balance_periods", "rounds", "activity", "transactions", "games"),
            *("players", "tracking"),
        ):
            service.execute(f"delete from {table}".encode())
        service.execute("delete from snapshots")
        assert is_current(SCHEMA, service)
