"""A rebuild that is killed, wherever: queries never notice, and the next rebuild goes on where it stood."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Any

import pytest

from app.simulation import Scenario, batches, simulate
from app.tenants import Tenant
from postgres.connections import Pool
from projections.engine.rebuild import Progress
from tests.http.service import eventually
from tests.model import Model
from tests.projections.helpers import assert_as_the_model, position, project
from tests.projections.rebuilding import (
    AFTER_A_KILL_S,
    CHUNK_EVENTS,
    POINTS,
    known_generations,
    live_scope,
    project_live,
    projecting,
    rebuild,
    rebuild_again_and_again,
    rebuild_and_stop,
    repeating,
)
from tests.projections.simulated import record_bodies
from tests.projections.test_rebuild import rows_of

SPAWN = multiprocessing.get_context("spawn")
EVENTS = 1_000
KILLS = 5


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def more(pool: Pool, tenant: Tenant, model: Model) -> Callable[[], None]:
    """A function that records some more events."""
    bodies = iter(
        batches(simulate(Scenario(players=40, games=8, seed=3, rolled_back=0.02), 100_000), 50)
    )

    def record() -> None:
        record_bodies(pool, tenant, model, [next(bodies)])

    return record


@pytest.fixture
def projected(pool: Pool, tenant: Tenant, more: Callable[[], None]) -> Tenant:
    """A tenant with traffic, all of it shown."""
    for _ in range(EVENTS // 50):
        more()
    project(pool, tenant)
    return tenant


def shows_all(pool: Pool, tenant: Tenant, model: Model) -> bool:
    project_live(pool, tenant)
    return position(pool, tenant) == len(model.log.entries)


@contextmanager
def in_a_process(work: Callable[..., None], *arguments: Any) -> Iterator[Pipe]:
    """Work in a process of its own, which is killed at the end of the block."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=work, args=(*arguments, theirs))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


@pytest.mark.parametrize("point", POINTS)
def test_where_a_killed_rebuild_stopped_the_next_one_goes_on(
    point: str,
    pool: Pool,
    database_url: str,
    projected: Tenant,
    more: Callable[[], None],
    model: Model,
) -> None:
    arguments = (database_url, projected.tenant_id, POINTS[point])
    with in_a_process(rebuild_and_stop, *arguments) as pipe:
        assert pipe.recv() == "stopped"
        assert_as_the_model(pool, projected, model)
        switched = live_scope(pool, projected).generation > 1
    more()
    # PostgreSQL finds out in its time that who was killed lets go of what queries read.
    eventually(lambda: shows_all(pool, projected, model))
    assert_as_the_model(pool, projected, model)

    told: list[Progress] = []
    rebuilt = rebuild(pool, projected.tenant_id, report=told.append, patience_s=AFTER_A_KILL_S)
    assert rebuilt.differences == 0
    made = {"before the first chunk": 0, "amid a chunk": 3 * CHUNK_EVENTS}
    made |= {"between chunks": 4 * CHUNK_EVENTS}
    made |= {"while it holds the live generation": EVENTS - CHUNK_EVENTS}
    assert told[0].made == (0 if switched else made.get(point, EVENTS))
    assert_as_the_model(pool, projected, model)
    [left] = known_generations(pool, projected)
    assert left.live
    assert set(rows_of(pool, projected)) == {left.generation}


def test_rebuilds_killed_at_random_amid_traffic_do_no_harm(
    pool: Pool, database_url: str, projected: Tenant, more: Callable[[], None], model: Model
) -> None:
    random = Random(20)

    def write() -> None:
        more()
        time.sleep(0.02)

    with projecting(pool, projected), repeating(write):
        for _ in range(KILLS):
            with in_a_process(rebuild_again_and_again, database_url, projected.tenant_id) as pipe:
                pipe.recv()
                time.sleep(random.uniform(0, 0.8))
        rebuilt = rebuild(pool, projected.tenant_id, patience_s=AFTER_A_KILL_S)
    assert rebuilt.differences == 0
    project_live(pool, projected)
    assert position(pool, projected) == len(model.log.entries)
    assert_as_the_model(pool, projected, model)
    [left] = known_generations(pool, projected)
    assert set(rows_of(pool, projected)) == {left.generation}
