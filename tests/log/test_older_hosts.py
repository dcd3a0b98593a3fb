"""Hosts that don't know step 8 write keys, leaf hashes, conflicts and accesses themselves, for a day."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from api.schema import SCHEMA
from app.accesses import NewAccess, record_accesses
from app.tenants import create_key, find_key, find_tenant, list_keys
from domain.ids import event_key
from postgres.connections import Connection, connect, open_pool
from postgres.migrate import Schema, migrate
from postgres.privileges import needless_privileges
from tests.databases import Database
from tests.recording.sending import login, logins, send

_BEFORE = 7
"""How many steps the version before had."""

_GRANTS = """
    grant usage on schema roundbook to {service};
    grant select on all tables in schema roundbook to {service};
    grant insert on events, conflicts, logs, leaf_runs, accesses to {service};
    grant insert, update on tenants, tenant_currencies, api_keys to {service};
    grant insert, update, delete on tracking to {service};
"""

_KEY_HASH = hashlib.sha256(b"rb_older").digest()


class OlderHost:
    """What a host of the version before sends, as it is in its code."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def make_tenant(self) -> None:
        with self._connection.transaction():
            self._connection.execute(
                "insert into tenants (tenant_id, name, created_at)"
                " select coalesce(max(tenant_id), 0) + 1, 'older', now() from tenants"
            )
            self._connection.execute("insert into tenant_currencies values (1, 'BTC')")
            self._connection.execute(
                "insert into logs (tenant_id, number, log_id, created_at, predecessor, note)"
                " values (1, 1, uuid_send(gen_random_uuid()), now(), null, null)"
            )
            self._connection.execute(
                "insert into tracking (tenant_id, generation, position, live, updated_at)"
                " values (1, 1, 0, true, now())"
            )

    def make_key(self) -> None:
        self._connection.execute(
            "insert into api_keys (key_id, key_hash, tenant_id, scopes, label, created_at, expires_at)"
            " select coalesce(max(key_id), 0) + 1, %s, 1, '{ingest}', 'older', now(), null from api_keys",
            [_KEY_HASH],
        )

    def find_key(self) -> int:
        found = self._connection.execute(
            "select k.key_id from api_keys k join tenants t on t.tenant_id = k.tenant_id"
            " where k.key_hash = %s",
            [_KEY_HASH],
        ).fetchone()
        assert found is not None
        return int(found[0])

    def revoke_key(self) -> None:
        self._connection.execute("update api_keys set revoked_at = coalesce(revoked_at, now())")

    def append(self, name: str) -> int:
        """Append a login under the lock, with the host's own clock; gives its position."""
        with self._connection.transaction():
            self._connection.execute(
                "select tenant_id from tenants where tenant_id = 1 for no key update"
            )
            found = self._connection.execute(
                "select max(position), max(recorded_at) from events where tenant_id = 1"
            ).fetchone()
            assert found is not None
            head, recorded_at = found[0] or 0, datetime.now(UTC)
            row = (
                1,
                head + 1,
                head + 1,
                max(recorded_at, found[1] or recorded_at),
                event_key(name),
            )
            state = f'{{"unique_id":"{name}","timestamp":"2025-06-15T12:00:00Z","player_id":"p"}}'
            with (
                self._connection.cursor() as cursor,
                cursor.copy(
                    "copy events (tenant_id, position, version, recorded_at, key, stream, topic,"
                    " occurred_at, salt, state) from stdin"
                ) as sink,
            ):
                sink.write_row(
                    (*row, "player:p", "LoggedIn", "2025-06-15T12:00:00Z", b"", state.encode())
                )
            self._connection.execute(
                "insert into leaf_runs (tenant_id, log_number, first_position, hashes)"
                " values (1, 1, %s, sha256('x'))",
                [head + 1],
            )
        return int(head + 1)

    def register_conflict(self, position: int, name: str) -> None:
        self._connection.execute(
            "insert into conflicts"
            " (tenant_id, number, position, received_at, key, content_hash, unique_id, event, data)"
            " select 1, coalesce(max(number), 0) + 1, %s, now(), %s, %s, %s, 'login', '{}'"
            " from conflicts where tenant_id = 1",
            [position, event_key(name), event_key("content"), name],
        )

    def record_access(self) -> None:
        self._connection.execute(
            "insert into accesses"
            " (tenant_id, number, accessed_at, key_id, method, path, query, last_event_id)"
            " select 1, coalesce(max(number), 0) + 1, now(), 1, 'GET', '/', '', ''"
            " from accesses where tenant_id = 1"
        )


@pytest.fixture
def older_database(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database of the version before, with a tenant, a key, an event, a conflict and an access."""
    known = SCHEMA.migrations()
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: known[:_BEFORE])
        patched.setattr(Schema, "grants", lambda _: [_GRANTS])
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with connect(fresh_database.service_url) as connection:
        older = OlderHost(connection)
        older.make_tenant()
        older.make_key()
        older.register_conflict(older.append("one"), "one")
        older.record_access()
    return fresh_database


@pytest.fixture
def older(older_database: Database) -> Iterator[OlderHost]:
    """A host of the version before that was connected before the migration."""
    with connect(older_database.service_url) as connection:
        yield OlderHost(connection)


def migrated(database: Database) -> None:
    applied = migrate(SCHEMA, database.owner_url, database.service_url)
    assert _BEFORE + 1 in {step.number for step in applied}


def test_both_versions_work_beside_each_other(older_database: Database, older: OlderHost) -> None:
    migrated(older_database)
    with open_pool(older_database.service_url, max_size=2) as pool:
        with pool.connection() as connection:
            tenant = find_tenant(connection, "older")
            made = create_key(connection, tenant, ["read"])
            found = find_key(connection, "rb_older")
            assert found is not None
            assert found.key.key_id == older.find_key() == made.key_id - 1
        assert send(pool, tenant, [*logins(["two"]), login("one", more="1")]).stored == 1
        older.register_conflict(older.append("three"), "three")
        assert send(pool, tenant, logins(["four"])).stored == 1
        older.revoke_key()
        older.record_access()
        with pool.connection() as connection:
            record_accesses(connection, tenant.tenant_id, [NewAccess(1, "GET", "/", "", "")])
            assert all(key.revoked_at for key in list_keys(connection, tenant))
            counted = connection.execute(
                "select (select array_agg(position order by position) from events),"
                " (select array_agg(first_position order by first_position) from leaf_runs),"
                " (select array_agg(number order by number) from conflicts),"
                " (select array_agg(number order by number) from accesses)"
            ).fetchone()
    assert counted == ([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3], [1, 2, 3])


def test_a_day_later_the_older_ones_rights_end(older_database: Database, older: OlderHost) -> None:
    migrated(older_database)
    with connect(older_database.service_url) as service:
        assert len(needless_privileges(service)) == 8
        with connect(older_database.owner_url) as owner:
            owner.execute(
                "update migrations set applied_at = applied_at - interval '25 hours' where number = 8"
            )
        assert len(needless_privileges(service)) == 8
        assert migrate(SCHEMA, older_database.owner_url, older_database.service_url) == []
        assert needless_privileges(service) == []
    for act in (older.find_key, older.make_key, older.revoke_key, older.record_access):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            act()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        older.append("late")


def test_where_no_tenant_was_nobody_can_be_at_work(database: Database) -> None:
    with connect(database.service_url) as service:
        assert needless_privileges(service) == []
