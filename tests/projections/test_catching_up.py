"""What queries read is brought to the head of the log, or it is said where it ends and why."""

import threading

import pytest

from app.tenants import Tenant
from postgres.connections import Pool
from projections.engine.catching_up import Reach, catch_up
from projections.engine.rebuild import StoppedError
from tests.projections.helpers import position, projector
from tests.projections.rebuilding import projecting
from tests.recording.sending import logins, send

EVENTS = 400


@pytest.fixture
def recorded(pool: Pool, tenant: Tenant) -> Tenant:
    """A tenant whose log nobody projected."""
    send(pool, tenant, logins(map(str, range(EVENTS))))
    return tenant


def reach(pool: Pool, tenant: Tenant, *, stop: threading.Event, patience_s: float) -> Reach:
    by_chunks = projector(pool, chunk_events=50)
    return catch_up(pool, by_chunks, tenant.tenant_id, stop=stop, patience_s=patience_s)


def test_it_goes_to_the_head_alone_and_beside_others(pool: Pool, recorded: Tenant) -> None:
    with projecting(pool, recorded):
        found = reach(pool, recorded, stop=threading.Event(), patience_s=60)
    assert found == Reach(EVENTS, EVENTS)
    assert position(pool, recorded) == EVENTS
    assert reach(pool, recorded, stop=threading.Event(), patience_s=0) == Reach(EVENTS, EVENTS)


def test_what_another_process_has_and_does_not_move_is_told(pool: Pool, recorded: Tenant) -> None:
    with pool.connection() as holder, holder.transaction():
        holder.execute("select from tracking where tenant_id = %s for update", [recorded.tenant_id])
        found = reach(pool, recorded, stop=threading.Event(), patience_s=0.2)
    assert (found.position, found.head) == (0, EVENTS)
    assert "another process has them" in str(found.why)


def test_it_can_be_stopped(pool: Pool, recorded: Tenant) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        reach(pool, recorded, stop=stop, patience_s=60)
    assert position(pool, recorded) == 0
