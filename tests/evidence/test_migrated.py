"""A log of the version before is sealed from its beginning, while hosts of that version go on beside."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.schema import SCHEMA
from app.evidence.existing import begin_signing_existing
from app.evidence.sealer import Sealer
from app.evidence.status import (
    EvidenceFailure,
    EvidenceStatus,
    read_evidence_status,
    say_rebuilt_anyway,
)
from app.evidence.store import newest_checkpoint
from app.log.leaves import current_log
from app.recording import record
from app.settings import Settings
from app.tenants import find_tenant
from domain.ids import event_key
from postgres.connections import Connection, connect, open_pool
from postgres.migrate import Migration, Schema, migrate
from tests.databases import Database
from tests.evidence.reading import expected_hashes, recorded_hashes
from tests.evidence.trees import naive_root
from tests.recording.sending import decoded, logins

_BEFORE = 2
"""How many steps the version before had."""
_NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


def append_as_before(connection: Connection, first: int, last: int) -> None:
    """Append logins as the version before does, which knows neither salts nor hashes."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into events (position, occurred_at, recorded_at, tenant_id, version, key, stream, topic,"
            " state) values (%s, %s, now(), 1, %s, %s, 'player:old', 'LoggedIn', %s)",
            [
                (
                    position,
                    _NOON,
                    position,
                    event_key(f"old-{position}"),
                    f'{{"unique_id":"old-{position}","timestamp":"2025-06-15T12:00:00Z",'
                    f'"player_id":"old"}}'.encode(),
                )
                for position in range(first, last + 1)
            ],
        )


def migrate_to(
    database: Database, steps: Sequence[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begin the schema anew, with these steps alone."""
    with connect(database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: steps)
        patched.setattr(Schema, "grants", lambda _: [])
        migrate(SCHEMA, database.owner_url, database.service_url)


def test_what_was_said_of_evidence_before_is_said_after(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0007 knew why nothing is signed, and no more."""
    migrate_to(fresh_database, SCHEMA.migrations()[:7], monkeypatch)
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into sealing values (1, 'no key', %s)", [_NOON])
        owner.execute("insert into sealing (tenant_id) values (2)")
    migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with connect(fresh_database.service_url) as service:
        say_rebuilt_anyway(service, 2, "7 leaf: …")
        first, second, third = (read_evidence_status(service, each) for each in (1, 2, 3))
    failed = EvidenceFailure("no key", _NOON)
    assert first == EvidenceStatus(0, None, failed, statement_failure=None, rebuilt_anyway=None)
    assert second.failure is None
    assert second.rebuilt_anyway is not None
    assert second.rebuilt_anyway.reason == "7 leaf: …"
    assert third == EvidenceStatus(0, None, None)


def test_what_was_recorded_before_is_sealed_and_what_older_hosts_add(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = SCHEMA.migrations()
    migrate_to(fresh_database, known[:_BEFORE], monkeypatch)
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into tenants values (1, 'older', now())")
        owner.execute(
            "insert into tracking (tenant_id, generation, position, live, updated_at)"
            " values (1, 1, 0, true, now())"
        )
        append_as_before(owner, 1, 700)
    applied = migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    assert [step.number for step in applied] == [step.number for step in known[_BEFORE:]]
    with open_pool(fresh_database.service_url, max_size=3) as pool:
        with pool.connection() as connection:
            tenant = find_tenant(connection, "older")
            log = current_log(connection, tenant.tenant_id)
            assert log is not None
            settings = Settings(signing_keys=str(tmp_path / "keys"))
            [vkey] = begin_signing_existing(connection, settings)
            assert vkey.name == f"roundbook.invalid/log/{log.log_id.hex()}"
        sealer = Sealer(pool, settings)
        # One host is of this version, the other still of that before.
        record(pool, tenant.tenant_id, decoded(tenant, logins("abc", "new")))
        with pool.connection() as connection:
            append_as_before(connection, 704, 710)
        record(pool, tenant.tenant_id, decoded(tenant, logins("de", "new")))
        again = record(pool, tenant.tenant_id, decoded(tenant, logins(["old-1"], "old")))
        assert [item.outcome for item in again.items] == ["duplicate"]
        while sealer.seal(log):
            pass
        with pool.connection() as connection:
            sealed = newest_checkpoint(connection, log, "log")
            hashes = expected_hashes(connection, tenant.tenant_id)
            assert recorded_hashes(connection, tenant.tenant_id) == hashes
    assert sealed is not None
    assert (sealed.size, sealed.root) == (712, naive_root(hashes))
