"""Read models of another version of the code are rebuilt by the projector, unasked."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.tenancy import create_tenant
from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect, open_pool
from projections.engine.generations import begin_or_resume, sole_rebuild
from projections.engine.upkeep import DIFFERENCES, Upkeep
from projections.entries import Scope
from projections.models import balances
from projections.models.registry import READ_MODELS, code_versions
from projections.reading import snapshot
from projections.status import read_status
from tests.databases import Database
from tests.projections.helpers import position, project, projector, read_models
from tests.projections.rebuilding import (
    Known,
    known_generations,
    live_scope,
    project_live,
)
from tests.projections.simulated import NOW
from tests.projections.test_rebuild import deposit, rows_of
from tests.recording.sending import logins, send

EVENTS = 30


@pytest.fixture
def own_pool(fresh_database: Database) -> Iterator[Pool]:
    """Connections to a database in which nobody else's tenants are."""
    with open_pool(fresh_database.service_url, max_size=8) as pool:
        yield pool


@pytest.fixture
def acme(own_pool: Pool) -> Tenant:
    """A tenant whose log and read models hold deposits of 1."""
    with own_pool.connection() as connection:
        tenant = create_tenant(connection, "acme")
    send(own_pool, tenant, [deposit(number) for number in range(EVENTS)])
    project(own_pool, tenant)
    return tenant


Change = Callable[..., None]


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Change:
    """A function that brings a version of a projection's code that is newer by so much."""
    here = code_versions()

    def bring(name: str, newer: int, write: Any = None) -> None:
        model = READ_MODELS[name]
        changed = model._replace(version=here[name] + newer, write=write or model.write)
        monkeypatch.setitem(READ_MODELS, name, changed)

    return bring


def twice(connection: Connection, scope: Scope, folded: balances.Folded) -> None:
    """Project balances as another version would: each event counts twice."""
    for _ in range(2):
        balances.write(connection, scope, folded)


def look(pool: Pool, *, now_s: float = 0) -> list[Any]:
    """Let the upkeep do what there is to do; gives what it logs."""
    with capture_logs() as lines:
        Upkeep(pool, projector(pool, chunk_events=10)).look(threading.Event(), now_s=now_s)
    return lines


def deposited(pool: Pool, tenant: Tenant) -> Any:
    [balance] = read_models(pool, tenant)["balances"]
    return int(balance["deposited"])


def test_what_is_of_this_version_is_left_as_it_is(own_pool: Pool, acme: Tenant) -> None:
    assert look(own_pool) == []
    assert known_generations(own_pool, acme) == [Known(1, EVENTS, live=True, retired=False)]


def test_read_models_of_an_older_version_are_rebuilt_and_the_log_says_so(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    old = code_versions()
    change("balances", 1, twice)
    lines = look(own_pool)
    assert deposited(own_pool, acme) == 2 * EVENTS
    assert known_generations(own_pool, acme) == [Known(2, EVENTS, live=True, retired=False)]
    assert set(rows_of(own_pool, acme)) == {2}
    first, last = lines[0], lines[-1]
    assert first["event"] == "the read models are of another version and are rebuilt"
    assert (first["tenant_id"], first["versions"]) == (acme.tenant_id, old)
    assert first["own_versions"] == old | {"balances": old["balances"] + 1}
    assert last["event"] == "the read models are rebuilt"
    assert all(line["log_level"] == "info" for line in lines), "that balances differ is no error"
    assert look(own_pool) == []


def test_queries_read_the_old_ones_until_the_new_ones_are_whole(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    seen: list[int] = []

    def watched(connection: Connection, scope: Scope, folded: balances.Folded) -> None:
        seen.append(deposited(own_pool, acme))
        twice(connection, scope, folded)

    change("balances", 1, watched)
    look(own_pool)
    assert seen == [EVENTS] * 3
    assert deposited(own_pool, acme) == 2 * EVENTS


def test_the_old_ones_stay_up_to_date_meanwhile(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    change("balances", 1)
    begin_or_resume(own_pool, acme.tenant_id)
    send(own_pool, acme, logins(["a"]))
    project_live(own_pool, acme)
    assert position(own_pool, acme) == EVENTS + 1
    look(own_pool)
    assert position(own_pool, acme) == EVENTS + 1


def test_an_automatic_rebuild_that_was_interrupted_is_taken_up_by_any_process(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    change("games", 1)
    scope = begin_or_resume(own_pool, acme.tenant_id)
    projector(own_pool, chunk_events=10).project_chunk(scope)
    [first, *_] = look(own_pool)
    assert (first["made"], first["total"]) == (10, EVENTS)
    assert live_scope(own_pool, acme) == scope


def test_what_a_rebuild_of_another_version_left_is_begun_anew(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    change("balances", 1, twice)
    half = begin_or_resume(own_pool, acme.tenant_id)
    projector(own_pool, chunk_events=10).project_chunk(half)
    change("balances", 2, balances.write)
    [first, *_] = look(own_pool)
    assert (first["made"], first["total"]) == (0, EVENTS)
    assert known_generations(own_pool, acme) == [Known(3, EVENTS, live=True, retired=False)]
    assert set(rows_of(own_pool, acme)) == {3}
    assert deposited(own_pool, acme) == EVENTS


def test_one_process_does_it(own_pool: Pool, acme: Tenant, change: Change) -> None:
    change("balances", 1)
    with sole_rebuild(own_pool, acme.tenant_id):
        assert look(own_pool) == []
    assert known_generations(own_pool, acme) == [Known(1, EVENTS, live=True, retired=False)]


def test_an_empty_tenant_needs_no_rebuild(own_pool: Pool, change: Change) -> None:
    with own_pool.connection() as connection:
        tenant = create_tenant(connection, "empty")
    change("balances", 1)
    assert look(own_pool) == []
    send(own_pool, tenant, [deposit(1)])
    project(own_pool, tenant)
    assert look(own_pool) == []


def test_what_newer_code_has_built_older_code_leaves_alone(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    """As on two hosts, of which one is updated before the other."""
    here = READ_MODELS["balances"]
    change("balances", 1)
    look(own_pool)
    send(own_pool, acme, [deposit(EVENTS)])
    change("balances", 0)
    assert READ_MODELS["balances"] == here
    assert look(own_pool) == []
    with capture_logs() as lines:
        older = projector(own_pool)
        assert not older.project_all(now_s=0)
        assert not older.project_all(now_s=0)
    [line] = lines
    assert line["event"] == "the read models are of a newer version: left to others"
    change("balances", 1)
    project_live(own_pool, acme)
    assert position(own_pool, acme) == EVENTS + 1


def test_a_new_projection_is_whole_when_it_is_shown_first(own_pool: Pool) -> None:
    """The generation that was begun without it never gets a part of it."""
    with own_pool.connection() as connection:
        other = create_tenant(connection, "other")
    send(own_pool, other, [deposit(number) for number in range(EVENTS)])
    now = dict(READ_MODELS)
    del READ_MODELS["transactions"]
    try:
        project_live(own_pool, other)
    finally:
        READ_MODELS.clear()
        READ_MODELS.update(now)  # in their order
    send(own_pool, other, [deposit(EVENTS)])
    project_live(own_pool, other)
    assert read_models(own_pool, other)["transactions"] == []
    with own_pool.connection() as connection:
        status = read_status(connection, other.tenant_id, NOW)
    assert {each.name: each.position for each in status.projections} == {
        name: 0 if name == "transactions" else EVENTS + 1 for name in READ_MODELS
    }
    look(own_pool)
    assert len(read_models(own_pool, other)["transactions"]) == EVENTS + 1


def test_projections_whose_version_stayed_are_compared_and_mended(
    own_pool: Pool, acme: Tenant, change: Change, fresh_database: Database
) -> None:
    with connect(fresh_database.owner_url) as owner:
        owner.execute("update transactions set amount = 7 where position = 3")
    change("balances", 1)
    before = DIFFERENCES._value.get()
    [error] = [line for line in look(own_pool) if line["log_level"] == "error"]
    assert error["event"] == "a read model was not what the log says; it is now"
    assert (error["table"], error["rows"]) == ("transactions", 1)
    assert error["first"] == ["position 3: amount 7 instead of 1"]
    assert DIFFERENCES._value.get() == before + 1


def test_a_bug_in_the_new_version_leaves_the_old_read_models_and_is_tried_again(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    def fail(connection: Connection, scope: Scope, folded: balances.Folded) -> None:
        raise RuntimeError("a bug of the new version")

    upkeep = Upkeep(own_pool, projector(own_pool, chunk_events=10))
    change("balances", 1, fail)
    with capture_logs() as lines:
        for now_s in (0, 1, 2):
            upkeep.look(threading.Event(), now_s=now_s)
    [error] = [line for line in lines if line["log_level"] == "error"]
    assert error["event"] == "the read models can't be rebuilt"
    assert (error["tenant_id"], error["position"]) == (acme.tenant_id, 1)
    assert "a bug of the new version" in error["reason"]
    assert deposited(own_pool, acme) == EVENTS
    change("balances", 1, twice)
    upkeep.look(threading.Event(), now_s=3)
    assert deposited(own_pool, acme) == EVENTS, "it rests for a while"
    upkeep.look(threading.Event(), now_s=100)
    assert deposited(own_pool, acme) == 2 * EVENTS


def test_what_is_retired_is_deleted(own_pool: Pool, acme: Tenant) -> None:
    with own_pool.connection() as connection:
        connection.execute(
            "insert into tracking (tenant_id, generation, position, live, retired, updated_at)"
            " values (%s, 7, 5, false, true, now())",
            [acme.tenant_id],
        )
        connection.execute(
            "insert into balances select tenant_id, 7, player_id, currency, deposited, withdrawn,"
            " bet_real, bet_bonus, win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins"
            " from balances where tenant_id = %s",
            [acme.tenant_id],
        )
    look(own_pool)
    assert set(rows_of(own_pool, acme)) == {1}
    assert known_generations(own_pool, acme) == [Known(1, EVENTS, live=True, retired=False)]


def test_it_runs_beside_the_projector_until_it_is_told_to_stop(
    own_pool: Pool, acme: Tenant, change: Change
) -> None:
    change("balances", 1, twice)
    stop, switched = threading.Event(), threading.Event()

    def watch() -> None:
        while not switched.wait(0.01):
            with snapshot(own_pool, acme.tenant_id) as seen:
                if seen.scope.generation == 2:
                    switched.set()

    running = threading.Thread(target=Upkeep(own_pool, projector(own_pool)).run, args=[stop])
    watching = threading.Thread(target=watch)
    running.start()
    watching.start()
    try:
        assert switched.wait(60)
    finally:
        switched.set()
        stop.set()
        watching.join()
        running.join()
    assert deposited(own_pool, acme) == 2 * EVENTS
