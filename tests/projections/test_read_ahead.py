"""The next chunk is read while one is written, and used only where it is what comes next."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from eventsourcing.persistence import Notification, OperationalError

from app.log.recorder import TenantLog
from app.tenants import Tenant
from postgres.connections import Pool
from projections.engine.projector import Projector
from projections.entries import Stretch
from projections.models.registry import READ_MODELS
from tests.model import Model
from tests.projections.helpers import assert_as_the_model, position, projector, scope_of
from tests.recording.sending import logins, send
from tests.strategies import body

EVENTS = 25
CHUNK = 10


class Looked(NamedTuple):
    """A look into the log: behind which position, and whether on the thread that reads ahead."""

    start: int | None
    ahead: bool


class WatchedLog(TenantLog):
    """A log that remembers each look into it, and is out of reach behind some positions."""

    def __init__(self, pool: Pool, tenant_id: int) -> None:
        super().__init__(pool, tenant_id)
        self.looks: list[Looked] = []
        self.out_of_reach_behind: set[int | None] = set()
        self.when_looked: Callable[[int | None], None] = lambda _: None

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        ahead = threading.current_thread().name.startswith("read-ahead")
        self.looks.append(Looked(start, ahead))
        self.when_looked(start)
        if start in self.out_of_reach_behind:
            raise OperationalError("out of reach")
        return super().select_notifications(
            start, limit, stop, topics, inclusive_of_start=inclusive_of_start
        )


@pytest.fixture
def model(pool: Pool, tenant: Tenant) -> Model:
    """What the log of the tenant says."""
    batch = logins([f"u{number}" for number in range(EVENTS)])
    send(pool, tenant, batch)
    model = Model()
    model.ingest_body(body(batch))
    return model


@pytest.fixture
def watched(pool: Pool, tenant: Tenant) -> WatchedLog:
    return WatchedLog(pool, tenant.tenant_id)


@pytest.fixture
def reading_ahead(pool: Pool, watched: WatchedLog) -> Projector:
    return Projector(pool, lambda _: watched, chunk_events=CHUNK, poll_interval_s=1)


def test_the_next_chunk_is_read_while_one_is_written(
    pool: Pool, tenant: Tenant, model: Model, watched: WatchedLog, reading_ahead: Projector
) -> None:
    done = [reading_ahead.project_chunk(scope_of(tenant)) for _ in range(4)]
    assert done == [10, 10, 5, 0]
    assert watched.looks == [
        Looked(0, ahead=False),
        Looked(10, ahead=True),
        Looked(20, ahead=True),
        Looked(25, ahead=False),
    ]
    assert_as_the_model(pool, tenant, model)


def test_what_was_read_ahead_is_left_where_another_projector_was_there_first(
    pool: Pool, tenant: Tenant, model: Model, watched: WatchedLog, reading_ahead: Projector
) -> None:
    assert reading_ahead.project_chunk(scope_of(tenant)) == 10
    assert projector(pool, chunk_events=3).project_chunk(scope_of(tenant)) == 3
    assert reading_ahead.project_chunk(scope_of(tenant)) == 10
    assert position(pool, tenant) == 23
    assert watched.looks[:3] == [
        Looked(0, ahead=False),
        Looked(10, ahead=True),
        Looked(13, ahead=False),
    ]
    while reading_ahead.project_chunk(scope_of(tenant)):
        pass
    assert_as_the_model(pool, tenant, model)


def test_what_was_read_ahead_in_vain_is_folded_no_further(
    pool: Pool,
    tenant: Tenant,
    model: Model,
    watched: WatchedLog,
    reading_ahead: Projector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, *_, last = READ_MODELS
    held, folded = threading.Event(), list[int]()
    real = {name: READ_MODELS[name].fold for name in (first, last)}

    def hold(stretch: Stretch) -> object:
        if stretch.others.positions == [*range(11, 21)]:
            assert held.wait(60)
        return real[first](stretch)

    def note(stretch: Stretch) -> object:
        folded.append(stretch.others.positions[0])
        return real[last](stretch)

    def let_go(start: int | None) -> None:
        if start == 13:  # what is wanted instead: the rest was given up before
            held.set()

    watched.when_looked = let_go
    with monkeypatch.context() as patched:
        patched.setitem(READ_MODELS, first, READ_MODELS[first]._replace(fold=hold))
        patched.setitem(READ_MODELS, last, READ_MODELS[last]._replace(fold=note))
        assert reading_ahead.project_chunk(scope_of(tenant)) == 10
        assert projector(pool, chunk_events=3).project_chunk(scope_of(tenant), read_ahead=False)
        # What is wanted instead waits in line for what is being folded, but for nothing else.
        assert reading_ahead.project_chunk(scope_of(tenant), read_ahead=False) == 10
    # In between, what the other projector took.
    assert folded == [1, 11, 14]
    while reading_ahead.project_chunk(scope_of(tenant)):
        pass
    assert_as_the_model(pool, tenant, model)


def test_a_rebuild_whose_end_moves_on_reads_ahead_but_never_beyond_it(
    pool: Pool, tenant: Tenant, model: Model, watched: WatchedLog, reading_ahead: Projector
) -> None:
    done = [reading_ahead.project_chunk(scope_of(tenant), until=until) for until in (21, 23, 22)]
    assert done == [10, 10, 2]
    assert position(pool, tenant) == 22
    assert watched.looks == [
        Looked(0, ahead=False),
        Looked(10, ahead=True),
        Looked(20, ahead=True),
        Looked(20, ahead=False),
    ]
    assert reading_ahead.project_chunk(scope_of(tenant)) == 3
    assert_as_the_model(pool, tenant, model)


def test_what_was_recorded_meanwhile_is_seen_though_nothing_was_there_to_read_ahead(
    pool: Pool, tenant: Tenant, model: Model, reading_ahead: Projector
) -> None:
    assert reading_ahead.project_chunk(scope_of(tenant), until=5) == 5
    assert [reading_ahead.project_chunk(scope_of(tenant)) for _ in range(2)] == [10, 10]
    more = logins(["more"])
    send(pool, tenant, more)
    model.ingest_body(body(more))
    assert reading_ahead.project_chunk(scope_of(tenant)) == 1
    assert_as_the_model(pool, tenant, model)


def test_a_store_that_was_out_of_reach_for_reading_ahead_is_asked_again(
    pool: Pool, tenant: Tenant, model: Model, watched: WatchedLog, reading_ahead: Projector
) -> None:
    watched.out_of_reach_behind = {10}
    assert reading_ahead.project_chunk(scope_of(tenant)) == 10
    with pytest.raises(OperationalError):
        reading_ahead.project_chunk(scope_of(tenant))
    assert position(pool, tenant) == 10
    watched.out_of_reach_behind = set()
    while reading_ahead.project_chunk(scope_of(tenant)):
        pass
    assert_as_the_model(pool, tenant, model)


def test_of_several_tenants_nothing_is_read_ahead(
    pool: Pool, tenant: Tenant, model: Model, watched: WatchedLog, reading_ahead: Projector
) -> None:
    """Their turns come one after the other: what is read ahead would be thrown away."""
    assert reading_ahead.project_chunk(scope_of(tenant), read_ahead=False) == 10
    assert watched.looks == [Looked(0, ahead=False)]
    while reading_ahead.project_chunk(scope_of(tenant), read_ahead=False):
        pass
    assert not any(look.ahead for look in watched.looks)
    assert_as_the_model(pool, tenant, model)
