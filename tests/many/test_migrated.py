"""What was recorded by the version before is found by the first look, what its hosts add by the next."""

import pytest

from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.accesses import NewAccess, record_accesses
from app.log.recorder import TenantLog
from postgres.connections import connect, open_pool
from postgres.migrate import Schema, migrate
from projections import tracking
from projections.engine.projector import Projector
from tests.databases import Database
from tests.recording.sending import logins, send

_STEP = 11

_WITH = "select count(*) filter (where xid is null), count(xid) from {}"


def test_rows_of_before_are_shown_and_older_hosts_go_on(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the role that serves is granted is of the newest step: all others are there.
    before = [step for step in SCHEMA.migrations() if step.number != _STEP]
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: before)
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with (
        open_pool(fresh_database.service_url, max_size=4) as pool,
        connect(fresh_database.service_url) as older_host,
    ):
        with pool.connection() as connection:
            tenant = create_tenant(connection, "older")
        send(pool, tenant, logins(["before"]))
        access = NewAccess(1, "GET", "/api/v1/history", "", "")
        record_accesses(older_host, tenant.tenant_id, [access])
        applied = migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
        assert _STEP in {step.number for step in applied}
        projector = Projector(
            pool, lambda of: TenantLog(pool, of), chunk_events=1_000, poll_interval_s=1
        )

        def shown() -> int:
            projector.project_all(now_s=0)
            with pool.connection() as connection:
                live = tracking.live(connection, tenant.tenant_id)
            return live.position if live else 0

        assert shown() == 1
        # Hosts of both versions call the same functions, which the step leaves as they are.
        record_accesses(older_host, tenant.tenant_id, [access])
        send(pool, tenant, logins(["after"]))
        assert shown() == 2
        for table in ("leaf_runs", "accesses"):
            assert older_host.execute(_WITH.format(table).encode()).fetchone() == (1, 1)
