"""Several projectors share the tenants: without a leader, and without knowing each other."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import pytest

from api.tenancy import create_tenant
from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect, open_pool
from projections.entries import Scope
from projections.tracking import SQL, Claimed, claim
from tests.databases import Database
from tests.projections.helpers import position, projector, scope_of
from tests.projections.sharing import Done, project_all_and_tell
from tests.recording.sending import logins, send

SPAWN = multiprocessing.get_context("spawn")
TENANTS = 32
EVENTS = 120
CHUNK = 20


class Beside:
    """A projector in a process of its own, and what it told."""

    def __init__(self, process: BaseProcess, pipe: Pipe) -> None:
        self.process = process
        self.pipe = pipe
        self.events: Counter[int] = Counter()


@contextmanager
def beside(database: Database) -> Iterator[Beside]:
    ours, theirs = SPAWN.Pipe()
    arguments = (database.service_url, CHUNK, theirs)
    process = SPAWN.Process(target=project_all_and_tell, args=arguments)
    process.start()
    theirs.close()
    try:
        assert ours.recv() == "ready"
        yield Beside(process, ours)
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def hear(projectors: list[Beside], events: int) -> None:
    """Hear what they tell, until it is so many events in all. The runner's own limit is the limit."""
    by_pipe = {each.pipe: each for each in projectors}
    while sum(each.events.total() for each in projectors) < events:
        for pipe in wait(by_pipe):
            assert isinstance(pipe, Pipe)
            done: Done = pipe.recv()
            by_pipe[pipe].events[done.tenant_id] += done.events


def record(pool: Pool, tenants: list[Tenant], name: str) -> None:
    for tenant in tenants:
        send(pool, tenant, logins([f"{name}-{number}" for number in range(EVENTS)]))


def test_two_share_the_tenants_and_where_one_is_killed_the_other_goes_on(
    fresh_database: Database,
) -> None:
    with open_pool(fresh_database.service_url, max_size=2) as pool:
        with pool.connection() as connection:
            tenants = [create_tenant(connection, f"t{number}") for number in range(TENANTS)]
        record(pool, tenants, "first")
        with beside(fresh_database) as one, beside(fresh_database) as other:
            for each in (one, other):
                each.pipe.send("begin")
            hear([one, other], TENANTS * EVENTS)
            assert one.events + other.events == {each.tenant_id: EVENTS for each in tenants}
            # A fair share is a half; a busy machine may give one of them less.
            assert min(one.events.total(), other.events.total()) > TENANTS * EVENTS / 10
            one.process.kill()
            record(pool, tenants, "second")
            before = other.events.total()
            hear([other], before + TENANTS * EVENTS)
        assert {position(pool, tenant) for tenant in tenants} == {2 * EVENTS}


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> list[Scope]:
    """What a projector tries to claim."""
    tried: list[Scope] = []

    def claim_and_tell(connection: Connection, scope: Scope) -> Claimed | None:
        tried.append(scope)
        return claim(connection, scope)

    monkeypatch.setattr("projections.engine.projector.claim", claim_and_tell)
    return tried


def test_what_another_has_in_hand_is_left_to_it_for_a_moment(
    fresh_database: Database, claims: list[Scope]
) -> None:
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        with pool.connection() as connection:
            theirs, own = (create_tenant(connection, name) for name in ("theirs", "own"))
        for tenant in (theirs, own):
            send(pool, tenant, logins(["a"]))
        one = projector(pool)
        with connect(fresh_database.service_url) as holder, holder.transaction():
            holder.execute(SQL.claim.sql, scope_of(theirs)._asdict())
            one.project_all(now_s=0)
            assert sorted(claims) == [scope_of(theirs), scope_of(own)]
            for turn in range(1, 5):
                send(pool, own, logins([f"{turn}"]))
                one.project_all(now_s=turn / 10)
            assert claims.count(scope_of(theirs)) == 1
            assert position(pool, own) == 5
        one.project_all(now_s=1)
        assert position(pool, theirs) == 1


def test_of_those_with_a_long_way_to_go_the_next_has_its_turn_where_another_is_at_the_first(
    fresh_database: Database, claims: list[Scope]
) -> None:
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        with pool.connection() as connection:
            tenants = [create_tenant(connection, f"t{number}") for number in range(3)]
        record(pool, tenants, "first")
        one = projector(pool, chunk_events=CHUNK)
        with connect(fresh_database.service_url) as holder, holder.transaction():
            holder.execute(SQL.claim.sql, scope_of(tenants[0])._asdict())
            assert one.project_all(now_s=0), "there is more to do at once"
            assert claims == [scope_of(tenants[0])]
            one.project_all(now_s=0)
            one.project_all(now_s=0)
            assert [position(pool, tenant) for tenant in tenants] == [0, CHUNK, CHUNK]
