"""Whose key asks: `GET /api/v1/key`."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.tenants import SCOPES, Scope, find_tenant, list_keys
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import Service, roundbook
from tests.http.wire import assert_problem, new_key

KEY = "/api/v1/key"


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_of_any_scope_is_told_what_it_is(
    service: Service, served: Database, tenant_name: str, scope: Scope
) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    key = new_key(served, tenant_name, scope, label="back <office>", expires_at=ends)
    with service.client(key) as client:
        told = client.get(KEY).json()
    with connect(served.service_url) as connection:
        (kept,) = list_keys(connection, find_tenant(connection, tenant_name))
    assert told == {
        "key_id": kept.key_id,
        "label": "back <office>",
        "scopes": [scope],
        "expires_at": ends.isoformat().replace("+00:00", "Z"),
        "tenant": {"name": tenant_name, "closed_at": None, "currencies": ["BTC", "USDT"]},
        "gaming_day": {"time_zone": "UTC", "begins_at": "00:00"},
    }
    assert key not in str(told)


def test_it_tells_when_the_tenants_days_begin_and_that_it_is_closed(
    service: Service, served: Database, tenant_name: str, client: httpx.Client
) -> None:
    options = ("--time-zone", "Europe/Copenhagen", "--day-starts", "06:00")
    roundbook("tenant", "set", tenant_name, *options, settings=service.settings)
    roundbook("tenant", "close", tenant_name, "--reason", "over", settings=service.settings)
    told = client.get(KEY).json()
    assert told["gaming_day"] == {"time_zone": "Europe/Copenhagen", "begins_at": "06:00"}
    # What is known of a key is trusted for some seconds.
    with service.client(new_key(served, tenant_name, "read")) as another:
        assert another.get(KEY).json()["tenant"]["closed_at"]


def test_nobody_else_is_told(service: Service, client: httpx.Client) -> None:
    with service.client() as stranger:
        assert_problem(stranger.get(KEY), "forbidden")
        assert_problem(stranger.get(KEY, headers={"x-api-key": "rb_unknown"}), "forbidden")
    assert_problem(client.get(KEY, params={"key": "1"}), "invalid-parameters")
    assert_problem(client.get(KEY, headers={"accept": "text/html"}), "not-acceptable")
