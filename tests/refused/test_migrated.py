"""Tenants of the version before have an empty register, which the service's role may write."""

import pytest

from api.schema import SCHEMA
from app.refused import RefusedFilters, Register, find_refused
from postgres.connections import connect, open_pool
from postgres.migrate import Schema, migrate
from tests.databases import Database
from tests.refused.test_register import item

_STEP = 19


def test_tenants_of_the_version_before_begin_with_an_empty_register(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [step for step in SCHEMA.migrations() if step.number < _STEP]
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: before)
        patched.setattr(Schema, "grants", lambda _: [])
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into tenants values (1, 'older', now())")
    applied = migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    assert _STEP in {step.number for step in applied}
    with open_pool(fresh_database.service_url, max_size=1) as pool:
        Register(pool).add(1, [item("u", "p")])
        with pool.connection() as connection:
            [found] = find_refused(connection, 1, RefusedFilters(), None, 10).items
    assert (found.unique_id, found.player_id) == ("u", "p")
