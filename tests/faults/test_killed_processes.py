"""Processes of the service that are killed, or asked to end, while clients send."""

import itertools
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from tests.databases import Database
from tests.faults.checking import assert_nothing_half
from tests.faults.places import Account, embedded_url, free_port, is_free, open_account, projectors
from tests.faults.proxy import Point, Proxy
from tests.faults.sending import Ledger, Load, items_of, traffic
from tests.faults.unfinished import begin
from tests.http.service import Service, eventually
from tests.processes import runs

Start = Callable[..., Service]


@pytest.fixture(scope="module")
def sturdy(module_start: Start, shared: Database) -> Service:
    """A service that survives the death of its parts."""
    return module_start(
        database_url=shared.service_url, owner_url=shared.owner_url, chunk_events="50"
    )


def test_a_worker_that_is_killed_again_and_again_costs_nobody_an_event(
    sturdy: Service, account: Account
) -> None:
    with Load() as load:
        for seed in range(4):
            load.add(sturdy.url, account.key, traffic(seed))
        for kills in range(10):
            # On a busy machine it may have answered all that was asked by the time that it is killed.
            if kills >= 2 and load.ledger.refused:
                break
            load.goes_on()
            [worker] = sturdy.workers()
            os.kill(worker, SIGKILL)
            eventually(lambda: sturdy.workers() not in ([], [worker]))  # noqa: B023 (called at once)
        load.goes_on()
    assert load.ledger.refused
    account.check(sturdy, load.ledger)


def test_one_of_two_workers_is_killed_and_the_other_goes_on_meanwhile(
    start: Start, shared: Database, account: Account
) -> None:
    service = start("--workers", "2", database_url=shared.service_url, owner_url=shared.owner_url)
    with Load() as load:
        for seed in range(4):
            load.add(service.url, account.key, traffic(seed))
        for victim in range(2):
            eventually(lambda: len(service.workers()) == 2)
            load.goes_on()
            os.kill(service.workers()[victim], SIGKILL)
            load.goes_on(30)
    account.check(service, load.ledger)


def test_a_projector_that_is_killed_again_and_again_shows_every_event_once(
    sturdy: Service, account: Account
) -> None:
    with Load() as load:
        for seed in range(3):
            load.add(sturdy.url, account.key, traffic(seed))
        for _ in range(2):
            load.goes_on()
            [killed] = projectors(sturdy)
            os.kill(killed, SIGKILL)
            eventually(lambda: projectors(sturdy) not in ([], [killed]))  # noqa: B023 (called at once)
    account.check(sturdy, load.ledger)


def test_a_service_that_is_killed_with_its_database_and_started_again_has_all_it_acknowledged(
    start: Start, folder: Path
) -> None:
    port = free_port()
    settings = {"data_dir": str(folder / "data"), "lock_timeout_s": "2"}
    service = start("--port", port, **settings)
    account = open_account(embedded_url(folder / "data"), "acme")
    with Load() as load:
        for seed in range(3):
            load.add(service.url, account.key, traffic(seed))
        load.goes_on(20)
        service.signal(SIGKILL)
        assert service.ended()[0] == -SIGKILL
        # Its workers may still be about, but they don't keep the next service from its port.
        eventually(lambda: is_free(port))
        service = start("--port", port, **settings)
        load.goes_on(20)
    account.check(service, load.ledger)


def test_a_service_that_is_asked_to_end_under_load_leaves_nothing_half_done(
    start: Start, shared: Database, account: Account
) -> None:
    port = free_port()
    settings = {"database_url": shared.service_url, "owner_url": shared.owner_url}
    service = start("--workers", "2", "--port", port, **settings)
    with Load() as load:
        for seed in range(4):
            load.add(service.url, account.key, traffic(seed))
        load.goes_on(40)
        service.signal(SIGTERM)
        assert service.ended() == (0, "")
        assert_nothing_half(account.database_url, account.tenant_id, load.ledger)
        service = start("--workers", "2", "--port", port, **settings)
        load.goes_on(20)
    # Whoever was let in got an answer: the only failures are of clients that came too late, or too early.
    too_late, too_early = {"ConnectError", "ReadError", "RemoteProtocolError"}, {"starting"}
    assert set(load.ledger.refused) <= too_late | too_early
    account.check(service, load.ledger)


def test_a_projector_that_outlives_a_killed_service_does_not_keep_its_port(
    folder: Path, fresh_database: Database, cleanup: ExitStack, start: Start
) -> None:
    proxy = cleanup.enter_context(Proxy(folder, fresh_database.service_url))
    account = open_account(fresh_database.service_url, "acme")
    port = free_port()
    settings = {
        "database_url": proxy.through(fresh_database.service_url),
        "owner_url": fresh_database.owner_url,
        "statement_timeout_s": "60",  # it is to outlive the start of the next one
    }
    service = start("--port", port, **settings)
    [projector] = projectors(service)
    busy = proxy.set_trap(Point.IN_COPY, table="rounds", hold=lambda: None)
    ledger = Ledger()
    with account.client(service, ledger) as client:
        client.send(list(itertools.islice(items_of(1), 200)))
    busy.wait()
    service.signal(SIGKILL)
    try:
        eventually(lambda: is_free(port))
        following = start("--port", port, **settings)
        assert runs(projector)
    finally:
        busy.let_go()
        assert service.ended()[0] == -SIGKILL
    eventually(lambda: not runs(projector))
    account.check(following, ledger)


def test_who_comes_while_a_service_ends_is_refused_and_not_left_waiting(
    start: Start, shared: Database, account: Account
) -> None:
    port = free_port()
    service = start("--port", port, database_url=shared.service_url, owner_url=shared.owner_url)
    ledger = Ledger()
    items = list(itertools.islice(items_of(1), 100))
    ledger.sending(items)
    with begin(service, account, items) as unfinished:
        assert service.answers("/health/live")  # who came before was heard by then
        service.signal(SIGTERM)
        eventually(lambda: is_free(port))
        assert service.process.poll() is None
        unfinished.finish()
        ledger.acknowledge(items, unfinished.answer())
    assert service.ended() == (0, "")
    assert_nothing_half(account.database_url, account.tenant_id, ledger)
