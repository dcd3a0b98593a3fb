"""A tenant of the version before is closed and removed as any other; hosts of it are refused too."""

import psycopg
import pytest

from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.accesses import NewAccess, record_accesses
from app.lives.closing import set_closed
from app.lives.removing import begin_removal, list_removed, remove_rows
from app.tenants import find_tenant, list_keys
from postgres.connections import connect, open_pool
from postgres.migrate import Schema, migrate
from tests.databases import Database
from tests.recording.sending import logins, send

_STEP = 14

# As hosts of the version before lock a log, add to it, and look keys up.
_LOCK = "select head, recorded_at as now, number, log_id from lock_log(1)"
_APPEND = (
    "insert into events (tenant_id, position, version, recorded_at, stream, topic, state)"
    " values (1, {0}, {0}, clock_timestamp(), 'player:p', 'LoggedIn', '')"
)
_KEYS = "select key_id, scopes, label, created_at, expires_at, revoked_at from keys_of(1)"


def test_what_is_there_lives_on(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [step for step in SCHEMA.migrations() if step.number < _STEP]
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: before)
        patched.setattr(Schema, "grants", lambda _: [])
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.owner_url)
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
