"""Several projectors at once, and projectors that are killed: nothing is skipped or applied twice."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import pytest
from eventsourcing.persistence import IntegrityError, Tracking

from api.tenancy import create_tenant
from app.log.recorder import TenantLog
from app.simulation import Scenario, batches, simulate
from app.tenants import Tenant
from postgres.connections import Pool, connect, open_pool
from projections.engine.projector import LAG, PROJECTED, Projector
from projections.entries import PoisonError, Scope
from projections.status import waiting_since
from projections.tracking import SQL, GenerationTracking, advance
from tests.databases import Database
from tests.model import Model
from tests.projections.helpers import assert_as_the_model, position, project, projector, scope_of
from tests.projections.killed import Task, project_and_stop
from tests.projections.simulated import record_bodies
from tests.recording.sending import login, logins, send
from tests.strategies import body

SPAWN = multiprocessing.get_context("spawn")
EVENTS = 1_500


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def busy(pool: Pool, tenant: Tenant, model: Model) -> Tenant:
    """A tenant with a log that is not projected yet."""
    bodies = batches(simulate(Scenario(players=20, games=5, rolled_back=0.02), EVENTS), 500)
    record_bodies(pool, tenant, model, bodies)
    return tenant


@pytest.fixture
def other_pool(database_url: str) -> Iterator[Pool]:
    with open_pool(database_url, max_size=4) as other:
        yield other


def until_done(pool: Pool, tenant: Tenant, chunk_events: int) -> int:
    """Project, beside others, until all is projected; gives how many events it was by this one."""
    own = 0
    while position(pool, tenant) < EVENTS:
        own += projector(pool, chunk_events=chunk_events).project_chunk(scope_of(tenant))
    return own


def test_projectors_beside_each_other_apply_each_event_once(
    pool: Pool, other_pool: Pool, busy: Tenant, model: Model
) -> None:
    seen: list[int] = []
    finished = threading.Event()

    def watch() -> None:
        while not finished.is_set():
            seen.append(position(other_pool, busy))

    with ThreadPoolExecutor(4) as threads:
        watching = threads.submit(watch)
        try:
            running = [
                threads.submit(until_done, through, busy, chunk_events)
                for through, chunk_events in ((pool, 7), (other_pool, 31), (other_pool, 100))
            ]
            projected = [future.result() for future in running]
        finally:
            finished.set()
        watching.result()
    assert sum(projected) == EVENTS
    assert all(one <= other for one, other in pairwise(seen))
    assert_as_the_model(pool, busy, model)


@pytest.mark.parametrize("amid", [True, False], ids=["amid a chunk", "between chunks"])
@pytest.mark.parametrize("chunks", [0, 3])
def test_where_a_killed_projector_stopped_another_goes_on(
    chunks: int, amid: bool, pool: Pool, database_url: str, busy: Tenant, model: Model
) -> None:
    ours, theirs = SPAWN.Pipe()
    task = Task(database_url, scope_of(busy), chunk_events=200, chunks=chunks, amid=amid)
    process = SPAWN.Process(target=project_and_stop, args=(task, theirs))
    process.start()
    theirs.close()
    try:
        assert ours.recv() == "stopped"
        assert position(pool, busy) == 200 * chunks
        if amid:
            assert project(pool, busy) == 0, "it is claimed"
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
    until_done(pool, busy, 333)
    assert_as_the_model(pool, busy, model)


def test_a_chunk_that_fails_at_its_last_step_leaves_nothing(
    pool: Pool, busy: Tenant, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenError(Exception):
        pass

    def fail(*args: object) -> None:
        raise BrokenError

    with monkeypatch.context() as patched:
        patched.setattr("projections.engine.projector.advance", fail)
        for _ in range(2):
            with pytest.raises(PoisonError, match=r"position 1 .*BrokenError"):
                project(pool, busy)
    assert_as_the_model(pool, busy, Model())
    assert project(pool, busy, chunk_events=400) == EVENTS
    assert_as_the_model(pool, busy, model)


def test_tracking_never_moves_backwards_nor_stays(pool: Pool, tenant: Tenant) -> None:
    scope = Scope(tenant.tenant_id, 7)
    tracking = GenerationTracking(pool, 7)
    with pool.connection() as connection:
        advance(connection, scope, 5)
        for stale in (5, 4, 0):
            with pytest.raises(IntegrityError):
                advance(connection, scope, stale)
        advance(connection, scope, 6)
    with pytest.raises(IntegrityError):
        tracking.insert_tracking(Tracking(tenant.name, 6))
    assert tracking.max_tracking_id(tenant.name) == 6


def test_what_a_projector_has_in_hand_another_passes_over(
    pool: Pool, database_url: str, busy: Tenant
) -> None:
    with connect(database_url) as holder, holder.transaction():
        claimed = holder.execute(SQL.claim.sql, scope_of(busy)._asdict()).fetchone()
        assert claimed is not None
        assert project(pool, busy) == 0
    assert project(pool, busy) == EVENTS


def test_all_tenants_get_their_turn_until_nothing_is_left(fresh_database: Database) -> None:
    before = PROJECTED._value.get()
    with open_pool(fresh_database.service_url, max_size=4) as pool, pool.connection() as connection:
        tenants = [create_tenant(connection, f"t{number}") for number in range(3)]
        for number, tenant in enumerate(tenants):
            send(pool, tenant, logins([f"u{n}" for n in range(10 * number)]))
        turns = projector(pool, chunk_events=10)
        assert turns.project_all(now_s=0)
        assert [position(pool, tenant) for tenant in tenants] == [0, 10, 10]
        assert turns.project_all(now_s=0)
        assert [position(pool, tenant) for tenant in tenants] == [0, 10, 20]
        assert not turns.project_all(now_s=0)
    assert PROJECTED._value.get() - before == 30


def test_a_projector_runs_until_it_is_told_to_stop_and_follows_the_log(
    fresh_database: Database,
) -> None:
    stop = threading.Event()
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        with pool.connection() as connection:
            tenant = create_tenant(connection, "t")
        ticking = iter(range(1_000_000))
        running = threading.Thread(
            target=projector(pool).run, args=(stop,), kwargs={"clock": lambda: next(ticking)}
        )
        running.start()
        try:
            for number in range(5):
                recorded = send(pool, tenant, logins([f"{number}"])).log_position
                eventually(partial(reached, pool, tenant, recorded))
        finally:
            stop.set()
            running.join()
        send(pool, tenant, logins(["after"]))
        assert position(pool, tenant) == 5


def reached(pool: Pool, tenant: Tenant, recorded: int) -> bool:
    return position(pool, tenant) >= recorded


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition; the runner's own limit is the limit."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.005)


def test_a_tenant_with_little_traffic_never_waits_for_those_with_much(
    fresh_database: Database,
) -> None:
    """Whatever the others have to do, it is shown before one of them gets a turn, and these take turns."""
    with open_pool(fresh_database.service_url, max_size=4) as pool, pool.connection() as connection:
        heavy = [create_tenant(connection, f"heavy{number}") for number in range(3)]
        light = create_tenant(connection, "light")
        for tenant in heavy:
            send(pool, tenant, logins([f"u{number}" for number in range(100)]))
        turns = projector(pool, chunk_events=10)
        for turn in range(1, 7):
            recorded = send(pool, light, logins([f"{turn}"])).log_position
            assert turns.project_all(now_s=0)
            assert position(pool, light) == recorded
            shown = sorted(position(pool, tenant) for tenant in heavy)
            assert sum(shown) == 10 * turn
            assert shown[-1] - shown[0] <= 10


def test_a_chunk_is_bounded_in_bytes_and_holds_one_event_at_least(
    pool: Pool, database_url: str, tenant: Tenant
) -> None:
    model = Model()
    batch = [login(f"u{number}", more=f'"{"x" * 1_000}"') for number in range(25)]
    send(pool, tenant, batch)
    model.ingest_body(body(batch))
    for stretch_bytes, most in ((1, 1), (3_500, 4), (1_000_000, 1_000)):
        log = TenantLog(pool, tenant.tenant_id, stretch_bytes=stretch_bytes)
        assert len(log.select_notifications(1, 1_000)) == min(most, 25)
        assert len(log.select_notifications(1, 1_000, topics=["LoggedIn"])) == min(most, 25)
    by_bytes = Projector(
        pool,
        lambda tenant_id: TenantLog(pool, tenant_id, stretch_bytes=3_500),
        chunk_events=1_000,
        poll_interval_s=1,
    )
    assert by_bytes.project_chunk(scope_of(tenant)) == 4
    while by_bytes.project_chunk(scope_of(tenant)):
        pass
    assert_as_the_model(pool, tenant, model)


def test_the_lag_of_what_is_shown_is_measured(pool: Pool, tenant: Tenant) -> None:
    before = LAG._sum.get()
    send(pool, tenant, logins(["a", "b"]))
    time.sleep(0.05)
    project(pool, tenant)
    assert 0.05 <= LAG._sum.get() - before < 30


def test_what_waits_longest_is_measured(fresh_database: Database) -> None:
    with open_pool(fresh_database.service_url, max_size=4) as pool, pool.connection() as connection:
        tenants = [create_tenant(connection, name) for name in "ab"]
        for tenant in tenants:
            send(pool, tenant, logins(["a", "b"]))
            time.sleep(0.02)
        turns = projector(pool, chunk_events=1)
        turns.project_all(now_s=0)
        since = waiting_since(connection)
        assert since is not None
        assert 0.04 <= (datetime.now(UTC) - since).total_seconds() < 30
        while turns.project_all(now_s=0):
            pass
        assert waiting_since(connection) is None
