"""The abuses, by what they do, and what a tenant's log must hold for them."""

import json
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from multiprocessing.synchronize import Event
from typing import NamedTuple

from bench.fairness import (
    bombs,
    idle_listeners,
    long_numbers,
    other_spelling,
    parallel_queries,
    stalled_bodies,
    stalled_readers,
    wrong_keys,
)
from bench.fairness.target import Load, Target
from bench.filling import Size, fill
from bench.over_http import NewTenant
from bench.server import Database

_ROWS = Size(
    events=300_000,
    round_events=10,
    payment_every=20,
    players=3_000,
    games=1_000,
    cells=100_000,
    conflicts=100,
)
_LARGE_EVENTS = 100
_LARGE_BYTES = 250_000

Fill = Callable[[Database, NewTenant, Target], None]


class Abuse(NamedTuple):
    """What one tenant does, and what fills its log before; None where that may be empty."""

    load: Load
    fill: Fill | None = None


def _many_rows(database: Database, tenant: NewTenant, _target: Target) -> None:
    fill(database.owner_url, tenant.tenant_id, _ROWS)


def _large_events(_database: Database, _tenant: NewTenant, target: Target) -> None:
    connection = HTTPConnection(target.host, target.port)
    headers = {"x-api-key": target.keys[0], "content-type": "application/json"}
    for number in range(_LARGE_EVENTS):
        data = {
            "unique_id": f"large-{number}",
            "timestamp": "2025-01-15T12:00:00Z",
            "player_id": "p",
        }
        data["note"] = "x" * _LARGE_BYTES
        body = json.dumps({"items": [{"event": "login", "data": data}]})
        connection.request("POST", "/api/v1/events", body, headers)
        connection.getresponse().read()
    connection.close()


def _with_a_key(abuse: Callable[[str, str, Event], object], target: Target, stop: Event) -> None:
    abuse(target.url, target.keys[0], stop)


def _with_keys(abuse: Callable[..., object], target: Target, stop: Event) -> None:
    abuse(target.url, target.keys, stop)


ABUSES: dict[str, Abuse] = {
    "stalled bodies": Abuse(partial(_with_a_key, stalled_bodies.abuse)),
    "bombs": Abuse(partial(_with_a_key, bombs.abuse)),
    "another spelling": Abuse(partial(_with_a_key, other_spelling.abuse)),
    "long numbers": Abuse(partial(_with_a_key, long_numbers.abuse)),
    "2,000 listeners": Abuse(partial(_with_keys, idle_listeners.abuse)),
    "32 queries at once": Abuse(partial(_with_keys, parallel_queries.abuse), _many_rows),
    "stalled readers": Abuse(partial(_with_keys, stalled_readers.abuse), _large_events),
    "wrong keys": Abuse(wrong_keys.load),
}
