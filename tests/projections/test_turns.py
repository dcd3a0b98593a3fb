"""Whose chunk is next: those with little to do first, small chunks while others wait, nobody for ever."""

import threading
import time
from collections.abc import Callable

import pytest

from app.tenants import Tenant
from postgres.connections import Pool
from projections.engine.pacing import Pace
from projections.engine.rebuild import Progress, Rebuild
from projections.engine.turns import CROWDED_S, SHARED_EVENTS, Turns
from projections.tracking import Behind
from tests.model import Model
from tests.projections.helpers import assert_as_the_model, project, projector
from tests.recording.sending import logins, send
from tests.strategies import body

CHUNK = 20_000


def behind(**events: int) -> list[Behind]:
    """Tenants by their first letters, with so many events to project, in the order of the store."""
    found = [
        Behind(ord(name), 1, live=True, failed_position=None, events=many, waiting_since=None)
        for name, many in events.items()
    ]
    return sorted(found, key=lambda each: each.events)


def taken(turns: Turns, now_s: float, **events: int) -> list[tuple[str, int]]:
    found = turns.take(behind(**events), now_s=now_s)
    return [(chr(scope.tenant_id), limit) for scope, limit in found]


def test_one_that_is_alone_gets_whole_chunks_until_others_come_and_some_seconds_after() -> None:
    turns = Turns(CHUNK)
    assert taken(turns, 0, a=10**6) == [("a", CHUNK)]
    assert taken(turns, 1, a=10**6, b=1) == [("b", SHARED_EVENTS), ("a", SHARED_EVENTS)]
    assert taken(turns, 1 + CROWDED_S - 0.1, a=10**6) == [("a", SHARED_EVENTS)]
    assert taken(turns, 1 + CROWDED_S, a=10**6) == [("a", CHUNK)]
    assert Turns(10).take(behind(a=10**6, b=10**6), now_s=0)[0][1] == 10


def test_of_those_with_a_long_way_to_go_each_has_its_turn() -> None:
    turns = Turns(CHUNK)
    order = ""
    for now_s in range(6):
        *short, last = taken(turns, now_s, a=30_000, b=40_000, c=50_000, d=2, e=1)
        assert [name for name, _ in short] == ["e", "d"]
        order += last[0]
    assert sorted(order[:3]) == ["a", "b", "c"]
    assert order[3:] == order[:3]
    # Who comes new is first, and who has no more to do is forgotten.
    assert taken(turns, 6, b=40_000, c=50_000, f=60_000)[-1][0] == "f"
    assert [taken(turns, now_s, b=40_000, c=50_000)[-1][0] for now_s in (7, 8, 9)] == [
        "b",
        "c",
        "b",
    ]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def projected(pool: Pool, tenant: Tenant, model: Model) -> Tenant:
    batch = logins([f"u{number}" for number in range(100)])
    send(pool, tenant, batch)
    model.ingest_body(body(batch))
    project(pool, tenant)
    return tenant


def test_a_rebuild_with_a_rate_makes_no_more_than_that(
    pool: Pool, projected: Tenant, model: Model
) -> None:
    made: list[int] = []

    def report(progress: Progress) -> None:
        if progress.step == "making":
            made.append(progress.made)

    began_s = time.monotonic()
    Rebuild(
        pool,
        projector(pool, chunk_events=10),
        projected.tenant_id,
        stop=threading.Event(),
        report=report,
        events_per_s=20,
    ).run()
    # In chunks of a quarter of a second, two of them at once; the last ten are made while both stand still.
    assert made[:4] == [0, 5, 10, 15]
    assert time.monotonic() - began_s >= 80 / 20
    assert_as_the_model(pool, projected, model)


def test_a_rebuild_makes_small_chunks_while_others_wait_and_goes_on_all_the_same(
    pool: Pool, projected: Tenant, new_tenant: Callable[[], Tenant]
) -> None:
    stop = threading.Event()
    pace = Pace(pool, projected.tenant_id, chunk_events=CHUNK, events_per_s=None)
    send(pool, new_tenant(), logins(["waits, as nobody projects it"]))
    for _ in range(3):
        assert pace.turn(stop) == SHARED_EVENTS
        pace.made(SHARED_EVENTS)
