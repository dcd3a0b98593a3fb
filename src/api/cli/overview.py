"""How all tenants are at a moment, and how fast they go: what `roundbook top` shows."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from app.evidence.status import sealed_sizes
from app.log.append import heads
from app.tenants import list_tenants
from postgres.connections import Connection
from projections.tracking import behind_of

_PATIENCE_S = 5.0

_SUMMED = {
    "roundbook_requests_total": "requests",
    "roundbook_requests_error_total": "errors",
    "roundbook_rate_limited_total": "limited",
}


class TenantView(NamedTuple):
    """A tenant: its last position, what queries don't show yet and for how long, what is not sealed.

    `state` is empty where all is well: else what an operator must know.
    """

    name: str
    state: str
    position: int
    not_shown: int
    waits_s: float
    not_sealed: int


class Look(NamedTuple):
    """All tenants at a moment, by the clock that only goes on."""

    at_s: float
    tenants: list[TenantView]


class Served(NamedTuple):
    """What a host's processes counted since they were started, at a moment."""

    at_s: float
    counts: Mapping[str, float]


def look(connection: Connection) -> Look:
    """Look at all tenants. Raises psycopg.Error."""
    tenants = list_tenants(connection)
    # What is shown and sealed comes before how far the logs are: it can't be ahead of them.
    behind = {each.tenant_id: each for each in behind_of(connection, None) if each.live}
    sealed = sealed_sizes(connection)
    positions = heads(connection, [each.tenant_id for each in tenants])
    now = datetime.now(UTC)
    views = []
    for tenant in tenants:
        position = positions.get(tenant.tenant_id, 0)
        late, log = behind.get(tenant.tenant_id), sealed.get(tenant.tenant_id)
        states = {
            "closed": tenant.closed_at is not None,
            f"stands still at {late and late.failed_position}": late and late.failed_position,
            "not signed": log is None or log.failure is not None,
        }
        since = late and late.waiting_since
        views.append(
            TenantView(
                tenant.name,
                ", ".join(name for name, holds in states.items() if holds),
                position,
                late.events if late else 0,
                max(0.0, (now - since).total_seconds()) if since else 0.0,
                max(0, position - (log.size if log else 0)),
            )
        )
    return Look(time.monotonic(), views)


def rates(before: Look, after: Look) -> dict[str, float]:
    """Return how many events a second each tenant got between two looks, by name."""
    was = {each.name: each.position for each in before.tenants}
    passed_s = max(after.at_s - before.at_s, 1e-6)
    return {
        each.name: max(0, each.position - was.get(each.name, each.position)) / passed_s
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
