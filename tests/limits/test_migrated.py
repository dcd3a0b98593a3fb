"""Tenants and keys of the version before have no limits, and may get some."""

import pytest

from api.schema import SCHEMA
from app.limits.limits import WHOLE_TENANT, Limit, buckets_of, set_limit
from app.tenants import find_tenant, list_keys
from domain.rate_limits import Rate
from postgres.connections import connect
from postgres.migrate import Schema, migrate
from tests.databases import Database

_STEP = 9


def test_tenants_of_the_version_before_are_not_limited_and_may_be(
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
        owner.execute("select make_key(sha256('rb_older'), 1, '{ingest}', '', null)")
    applied = migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    assert _STEP in {step.number for step in applied}
    with connect(fresh_database.service_url) as service:
        [key] = list_keys(service, find_tenant(service, "older"))
        assert buckets_of(service, 1, key.key_id) == ()
        set_limit(service, 1, Limit(WHOLE_TENANT, None, 7, None, 3))
        [found] = buckets_of(service, 1, key.key_id)
        assert (found.what, found.rate) == ("items", Rate(7, 3))
