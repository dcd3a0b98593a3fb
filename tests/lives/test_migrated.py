"""A tenant of an older version is closed and removed as any other, and its keys go on."""

import psycopg
import pytest

from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.accesses import NewAccess, record_accesses
from app.lives.closing import set_closed
from app.lives.removing import begin_removal, list_removed, remove_rows
from app.tenants import create_key, find_key, find_tenant, list_keys
from postgres.connections import connect, open_pool
from postgres.migrate import Schema, migrate
from tests.databases import Database
from tests.recording.sending import logins, send

_STEP = 14
_OPERATE = 21

# As hosts of the version before lock a log, add to it, and look keys up.
_LOCK = "select head, recorded_at as now, number, log_id from lock_log(1)"
_APPEND = (
    "insert into events (tenant_id, position, version, recorded_at, stream, topic, state)"
    " values (1, {0}, {0}, clock_timestamp(), 'player:p', 'LoggedIn', '')"
)
_KEYS = "select key_id, scopes, label, created_at, expires_at, revoked_at from keys_of(1)"


def migrate_up_to(step: int, database: Database, patch: pytest.MonkeyPatch) -> None:
    """Bring an empty database to what it was before a step."""
    before = [each for each in SCHEMA.migrations() if each.number < step]
    with connect(database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with patch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: before)
        patched.setattr(Schema, "grants", lambda _: [])
        migrate(SCHEMA, database.owner_url, database.owner_url)


def test_what_is_there_lives_on(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate_up_to(_STEP, fresh_database, monkeypatch)
    with connect(fresh_database.owner_url) as owner:
        create_tenant_before(owner)
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
        with (
            open_pool(fresh_database.service_url, max_size=2) as pool,
            connect(fresh_database.service_url) as older_host,
        ):
            tenant = find_tenant(owner, "older")
            assert tenant.closed_at is None
            assert send(pool, tenant, logins(["after"])).stored == 1
            record_accesses(older_host, 1, [NewAccess(1, "GET", "/api/v1/history", "", "")])
            append(older_host, 2)
            assert older_host.execute(_KEYS).fetchall() == []
            assert list_keys(older_host, tenant) == []

            set_closed(owner, "older", closed=True, reason="r", by="b")
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                append(older_host, 3)
            remove_rows(owner, begin_removal(owner, tenant, reason="r", by="b"), lambda _: None)
            [record] = list_removed(older_host)
            assert (record.name, record.last_position) == ("older", 2)
            assert create_tenant(older_host, "newer").tenant_id == 2


def test_keys_of_before_go_on_and_one_may_operate_the_service_then(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_up_to(_OPERATE, fresh_database, monkeypatch)
    with connect(fresh_database.owner_url) as owner:
        create_tenant_before(owner)
        tenant = find_tenant(owner, "older")
        known = create_key(owner, tenant, ["ingest", "audit"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="scopes"):
            create_key(owner, tenant, ["operate"])
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with connect(fresh_database.service_url) as service:
        made = create_key(service, tenant, ["operate", "read"])
        assert made.key_id == known.key_id + 1
        for key, scopes in ((known, ["ingest", "audit"]), (made, ["read", "operate"])):
            found = find_key(service, key.key)
            assert found is not None
            assert found.key.scopes == scopes
        # Hosts of the version before list it, and know no route that it opens.
        assert [row[1] for row in service.execute(_KEYS)] == [
            ["ingest", "audit"],
            ["read", "operate"],
        ]


def create_tenant_before(owner: psycopg.Connection[tuple[object, ...]]) -> None:
    owner.execute("select add_tenant('older', '{BTC}')")
    owner.execute("select begin_log(1, uuid_send(gen_random_uuid()), null, null)")
    owner.execute(
        "insert into tracking (tenant_id, generation, position, live, updated_at)"
        " values (1, 1, 0, true, now())"
    )


def append(host: psycopg.Connection[tuple[object, ...]], position: int) -> None:
    with host.transaction():
        host.execute(_LOCK)
        host.execute(_APPEND.format(position).encode())
