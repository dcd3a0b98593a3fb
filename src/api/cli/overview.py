"""How all tenants are at a moment, and how fast they go: what `roundbook top` shows."""

import time
from collections.abc import Mapping
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from api.system import TenantStatus, tenant_statuses
from app.tenants import list_tenants
from postgres.connections import Connection

_PATIENCE_S = 5.0

_SUMMED = {
    "roundbook_requests_total": "requests",
    "roundbook_requests_error_total": "errors",
    "roundbook_rate_limited_total": "limited",
}


class Look(NamedTuple):
    """All tenants at a moment, by the clock that only goes on."""

    at_s: float
    tenants: list[TenantStatus]


class Served(NamedTuple):
    """What a host's processes counted since they were started, at a moment."""

    at_s: float
    counts: Mapping[str, float]


def look(connection: Connection) -> Look:
    """Look at all tenants. Raises psycopg.Error."""
    statuses = tenant_statuses(connection, list_tenants(connection))
    return Look(time.monotonic(), statuses)


def rates(before: Look, after: Look) -> dict[str, float]:
    """Return how many events a second each tenant got between two looks, by name."""
    was = {each.name: each.log_position for each in before.tenants}
    passed_s = max(after.at_s - before.at_s, 1e-6)
    return {
        each.name: max(0, each.log_position - was.get(each.name, each.log_position)) / passed_s
        for each in after.tenants
    }


def served(client: httpx.Client) -> Served | None:
    """Read what a host counted, by its /metrics; None where it doesn't answer."""
    try:
        answer = client.get("/metrics", timeout=_PATIENCE_S).raise_for_status()
    except httpx.HTTPError:
        return None
    counts = dict.fromkeys(_SUMMED.values(), 0.0)
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name in _SUMMED:
                counts[_SUMMED[sample.name]] += sample.value
    return Served(time.monotonic(), counts)
