"""What is append-only goes with its tenant alone, and into a closed tenant's log get erasures alone."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from api.tenancy import create_tenant
from app.lives import removing
from app.lives.closing import set_closed
from app.lives.removing import begin_removal, list_removed, remove_rows
from app.log.append import TenantClosedError, locked_log
from app.log.erasure import Why, erase
from app.log.holds import new_hold, set_hold
from app.tenants import Tenant, TenantError, create_key, find_tenant
from postgres.connections import Connection, Pool, connect
from tests.databases import Database
from tests.http.service import eventually
from tests.recording.sending import login, logins, send
from tests.waiting import waiting_sessions

WHY = {"reason": "the contract ended", "by": "an officer"}


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with connect(database.owner_url) as connection:
        yield connection


@pytest.fixture
def recorded(pool: Pool, new_tenant: Callable[..., Tenant]) -> Tenant:
    """A tenant with a log, and a register of conflicts."""
    tenant = new_tenant()
    send(pool, tenant, [*logins(["a", "b"]), login("a", "other")])
    return tenant


def position(connection: Connection, tenant: Tenant) -> int:
    found = connection.execute(
        "select count(*) from events where tenant_id = %s", [tenant.tenant_id]
    ).fetchall()
    return int(found[0][0])


def test_who_records_is_waited_for_and_nobody_comes_after(
    pool: Pool, owner: Connection, database: Database, recorded: Tenant
) -> None:
    def close() -> None:
        set_closed(owner, recorded.name, closed=True, **WHY)

    closing = threading.Thread(target=close)
    with pool.connection() as connection, locked_log(connection, recorded.tenant_id):
        closing.start()
        eventually(lambda: waiting_sessions(database.owner_url) == 1)
        assert find_tenant(connection, recorded.name).closed_at is None
    closing.join()
    assert find_tenant(owner, recorded.name).closed_at is not None
    for batch in (logins(["c"]), [login("a", "another")]):  # new, and in conflict
        with pytest.raises(TenantClosedError):
            send(pool, recorded, batch)
    assert send(pool, recorded, logins(["a"])).duplicate == 1  # it changes nothing
    assert position(owner, recorded) == 2
    # Nor past the code, for a host of whatever version.
    with (
        pool.connection() as connection,
        pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is closed"),
        locked_log(connection, recorded.tenant_id),
    ):
        connection.execute(
            "insert into events (tenant_id, position, version, recorded_at, stream, topic, state)"
            " values (%s, 3, 1, clock_timestamp(), 'player:x', 'LoggedIn', '')",
            [recorded.tenant_id],
        )
    assert erase(owner, recorded.tenant_id, "p", Why("asked for", "p")).events == 2
    set_closed(owner, recorded.name, closed=False, **WHY)
    assert send(pool, recorded, logins(["c"])).stored == 1


def test_only_the_owner_closes_and_removes(database: Database, recorded: Tenant) -> None:
    with connect(database.service_url) as service:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            set_closed(service, recorded.name, closed=True, **WHY)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            begin_removal(service, recorded, **WHY)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("delete from roundbook.tenant_currencies")


def test_an_open_tenant_and_one_with_a_hold_are_not_removed(
    owner: Connection, recorded: Tenant
) -> None:
    with pytest.raises(TenantError, match="is not closed; nothing was removed"):
        begin_removal(owner, recorded, **WHY)
    set_closed(owner, recorded.name, closed=True, **WHY)
    set_hold(owner, recorded.tenant_id, new_hold("q", "a dispute", "legal"))
    with pytest.raises(TenantError, match="on hold; nothing was removed"):
        begin_removal(owner, recorded, **WHY)
    assert position(owner, recorded) == 2


def test_rows_of_others_stay_whoever_deletes(
    owner: Connection, pool: Pool, recorded: Tenant, new_tenant: Callable[..., Tenant]
) -> None:
    other = new_tenant()
    send(pool, other, logins(["a", "b", "c"]))
    set_closed(owner, recorded.name, closed=True, **WHY)
    with owner.transaction():
        removed = begin_removal(owner, recorded, **WHY)
        for table in ("events", "leaf_runs"):
            both = f"delete from roundbook.{table} where tenant_id = any(%s)"
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
                owner.transaction(),
            ):
                owner.execute(both, [[recorded.tenant_id, other.tenant_id]])
    went: list[int] = []
    remove_rows(owner, removed, went.append)
    assert sum(went) > 3
    assert position(owner, recorded) == 0
    assert position(owner, other) == 3
    [record] = [each for each in list_removed(owner) if each.tenant_id == recorded.tenant_id]
    assert (record.name, record.last_position, record.sealed) == (recorded.name, 2, 0)
    for change in ("update {} set tenant_id = 1", "delete from {}", "truncate {}"):
        for table in ("removed_tenants", "removed_logs"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                owner.execute(change.format(f"roundbook.{table}").encode())


def test_no_id_is_given_twice(fresh_database: Database) -> None:
    with connect(fresh_database.owner_url) as owner, connect(fresh_database.service_url) as service:
        tenant = create_tenant(service, "gone")
        key = create_key(service, tenant, ["read"])
        set_closed(owner, "gone", closed=True, **WHY)
        remove_rows(owner, begin_removal(owner, tenant, **WHY), lambda _: None)
        again = create_tenant(service, "gone")
        assert again.tenant_id == tenant.tenant_id + 1
        assert create_key(service, again, ["read"]).key_id == key.key_id + 1


def test_every_table_of_tenants_that_is_append_only_lets_rows_go_with_their_tenant(
    owner: Connection,
) -> None:
    """A step that adds such a table adds its trigger, or a removal would stop at it."""
    walled = owner.execute(
        "select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid"
        "  join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
        " where c.relnamespace = 'roundbook'::regnamespace and t.tgname = 'append_only'"
        "   and (t.tgtype & 8) <> 0 and c.relname not like 'removed%%'"
    ).fetchall()
    assert walled == []


def test_a_removal_that_was_broken_off_goes_on(
    owner: Connection, pool: Pool, recorded: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(pool, recorded, logins([f"c{number}" for number in range(7)]))
    set_closed(owner, recorded.name, closed=True, **WHY)
    removed = begin_removal(owner, recorded, **WHY)
    monkeypatch.setattr(removing, "_ROWS_AT_ONCE", 2)
    before = position(owner, recorded)

    class KilledError(Exception):
        pass

    def until_events(_: int) -> None:
        if position(owner, recorded) < before:
            raise KilledError

    with pytest.raises(KilledError):
        remove_rows(owner, removed, until_events)
    assert position(owner, recorded) == before - 2 == 7
    remove_rows(owner, removed, lambda _: None)
    assert position(owner, recorded) == 0
