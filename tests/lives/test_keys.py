"""Keys: when they were last used, and another one in the place of one that is to end."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.lives.rotating import rotate_key
from app.lives.uses import KeyUses
from app.tenants import Key, Tenant, TenantError, create_key, find_key, list_keys, revoke_key
from postgres.connections import Connection, Pool, connect
from tests.databases import Database
from tests.http.service import Service, eventually
from tests.http.wire import EVENTS, assert_problem, body, deposit, login
from tests.lives.conftest import Run

DAY = timedelta(days=1)


def last_use(connection: Connection, tenant: Tenant) -> datetime | None:
    [key] = list_keys(connection, tenant)
    return key.last_used_at


def test_a_use_is_noted_once_a_minute(pool: Pool, tenant: Tenant, database: Database) -> None:
    with pool.connection() as connection:
        key_id = create_key(connection, tenant, ["read"]).key_id
        assert last_use(connection, tenant) is None
        uses = KeyUses()
        uses.note(connection, key_id)
        first = last_use(connection, tenant)
        assert first is not None
        # Not again by this process, nor by another one.
        uses.note(connection, key_id)
        KeyUses().note(connection, key_id)
        assert last_use(connection, tenant) == first
        with connect(database.owner_url) as owner:  # a minute later
            owner.execute(
                "update roundbook.key_uses set last_used_at = roundbook.later(last_used_at, -61000000)"
                " where tenant_id = %s and key_id = %s",
                [tenant.tenant_id, key_id],
            )
        uses.note(connection, key_id)
        assert (last_use(connection, tenant) or first) < first
        KeyUses().note(connection, key_id)
        assert (last_use(connection, tenant) or first) > first


def test_who_may_not_write_is_served_all_the_same(pool: Pool, tenant: Tenant) -> None:
    with pool.connection() as connection:
        key = create_key(connection, tenant, ["read"])
        connection.execute("set default_transaction_read_only to on")
        KeyUses().note(connection, key.key_id)
        assert find_key(connection, key.key) is not None
        connection.execute("set default_transaction_read_only to off")
        assert last_use(connection, tenant) is None


def test_a_key_that_follows_another_is_like_it(pool: Pool, tenant: Tenant) -> None:
    with pool.connection() as connection:
        old = create_key(connection, tenant, ["read", "audit"], label="the platform")
        before = datetime.now(UTC)
        rotated = rotate_key(connection, old.key_id, overlap=DAY)
        was, new = list_keys(connection, tenant)
        assert (new.scopes, new.label, new.expires_at) == (
            ["read", "audit"],
            "the platform",
            None,
        )
        assert was.expires_at == rotated.ends_at
        assert before + DAY <= rotated.ends_at <= datetime.now(UTC) + DAY
        found = find_key(connection, rotated.made.key)
        assert found is not None
        assert found.key.key_id == new.key_id == rotated.made.key_id
        # It never lasts longer than it would have.
        assert rotate_key(connection, old.key_id, overlap=3 * DAY).ends_at == rotated.ends_at


def test_one_that_expires_is_followed_by_one_that_lasts_as_long(pool: Pool, tenant: Tenant) -> None:
    with pool.connection() as connection:
        until = datetime.now(UTC) + 30 * DAY
        old = create_key(connection, tenant, ["read"], expires_at=until)
        rotate_key(connection, old.key_id, overlap=timedelta(0))
        was, new = list_keys(connection, tenant)
        assert not was.is_valid(datetime.now(UTC))
        assert _lasts(new) >= 30 * DAY - timedelta(minutes=2)
        for key_id in (old.key_id, new.key_id + 1_000, 0, 2**40):
            with pytest.raises(TenantError, match=f"there is no key {key_id} that is valid"):
                rotate_key(connection, key_id, overlap=DAY)
        revoke_key(connection, new.key_id)
        with pytest.raises(TenantError, match="valid"):
            rotate_key(connection, new.key_id, overlap=DAY)
        assert len(list_keys(connection, tenant)) == 2


def _lasts(key: Key) -> timedelta:
    assert key.expires_at is not None
    return key.expires_at - key.created_at


def test_both_keys_work_until_the_older_one_ends(
    run: Run, service: Service, served: Database
) -> None:
    run("tenant", "create", "rotating", "--currency", "DOGE")
    old = run("key", "create", "rotating", "--scope", "ingest", "--label", "feed").strip()
    [listed] = run("key", "list", "rotating").splitlines()
    assert listed.split("\t")[6] == ""
    key_id = listed.split("\t")[0]
    run("tenant", "limit", "rotating", "--key", key_id, "--items-per-second", "500000")
    new = run("key", "rotate", key_id, "--overlap-hours", "48").strip()

    def send(key: str, **item: str) -> httpx.Response:
        with service.client(key) as client:
            return client.post(EVENTS, content=body(login("a", **item)))

    assert [send(key).status_code for key in (old, new)] == [204, 204]
    was, made = (line.split("\t") for line in run("key", "list", "rotating").splitlines())
    assert (was[1], made[1:3], made[5]) == ("valid", ["valid", "ingest"], "feed")
    assert was[6] != ""
    assert made[6] != ""
    limits = run("tenant", "limits", "rotating")
    assert limits.count("500000") == 2
    new_id = made[0]
    newest = run("key", "rotate", new_id, "--overlap-hours", "0").strip()
    eventually(lambda: send(new).status_code == 403)
    assert_problem(send(new), "forbidden")
    assert send(newest).status_code == 204


def test_a_currency_is_taken_back(run: Run, service: Service) -> None:
    run("tenant", "create", "recoined", "--currency", "DOGE")
    key = run("key", "create", "recoined", "--scope", "ingest", "--scope", "read").strip()
    with service.client(key) as client:

        def send() -> int:
            return client.post(EVENTS, content=body(deposit("a", currency="DOGE"))).status_code

        assert send() == 204
        run("tenant", "disallow-currency", "recoined", "DOGE")
        assert run("tenant", "list").splitlines()[-1].split("\t")[2] == ""
        eventually(lambda: send() == 422)
        run("tenant", "disallow-currency", "recoined", "DOGE")  # again is fine
        [balance] = client.get("/api/v1/balances?player_id=p&at_least=1").json()["items"]
        assert (balance["currency"], balance["deposited"]) == ("DOGE", "1")
        run("tenant", "allow-currency", "recoined", "DOGE")
        eventually(lambda: send() == 204)
