"""Clients that send too slowly, or more than a service can hold."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.databases import Database
from tests.faults.places import Account
from tests.faults.sending import Ledger, Load, body_of, items_of, traffic, with_member
from tests.faults.unfinished import begin
from tests.http.service import Service

Start = Callable[..., Service]


@pytest.fixture
def wires() -> Iterator[ExitStack]:
    """Where connections are left that must be closed in the end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def service(module_start: Start, shared: Database) -> Service:
    """A service that can't hold much."""
    return module_start(
        database_url=shared.service_url,
        owner_url=shared.owner_url,
        max_inflight_bytes="2500000",
        body_grace_s="60",  # so long a body that trickles, or that is not finished, may take here
        max_working_bytes="300000",
    )


def test_clients_that_fall_silent_hold_up_nobody_and_are_answered_408_in_the_end(
    start: Start, shared: Database, account: Account, wires: ExitStack
) -> None:
    service = start(
        database_url=shared.service_url,
        owner_url=shared.owner_url,
        body_timeout_s="4",
        pool_size="2",
        lock_timeout_s="1",
    )
    ledger = Ledger()
    items = list(itertools.islice(items_of(1), 100))
    silent = [wires.enter_context(begin(service, account, items)) for _ in range(100)]
    with account.client(service, ledger) as client:
        for batch in itertools.islice(traffic(2), 30):
            assert client.send_once(batch).is_success
    for wire in silent:
        assert wire.answer().status_code == 408
    account.check(service, ledger)


def test_a_client_that_trickles_its_body_in_time_is_served(
    service: Service, account: Account, wires: ExitStack
) -> None:
    ledger = Ledger()
    items = list(itertools.islice(items_of(1), 20))
    ledger.sending(items)
    wire = wires.enter_context(begin(service, account, items))
    with Load(ledger) as load:
        load.add(service.url, account.key, traffic(2))
        while wire.send_more(100):
            load.goes_on(1)
        ledger.acknowledge(items, wire.answer())
    account.check(service, ledger)


def test_what_is_more_than_a_service_can_hold_is_refused_at_once_and_the_rest_is_finished(
    service: Service, account: Account, wires: ExitStack
) -> None:
    ledger = Ledger()
    large = [with_member(item, "blob", "x" * 2_000) for item in itertools.islice(items_of(1), 200)]
    assert 400_000 < len(body_of(large)) < 500_000
    ledger.sending(large)
    held = [wires.enter_context(begin(service, account, large, unsent=1)) for _ in range(2)]

    # It holds these two until they are whole: a third is too much, something small is not.
    with account.client(service, ledger) as client:
        third = list(itertools.islice(items_of(2), 1_000))
        assert len(body_of(third)) > 150_000
        while (answer := client.send_once(third)).is_success:
            pass  # the others' bytes are still on their way
        assert answer.json()["type"] == "urn:roundbook:problem:too-busy"
        assert client.send_once(list(itertools.islice(items_of(3), 5))).is_success
        for wire in held:
            wire.finish()
        for wire in held:
            ledger.acknowledge(large, wire.answer())
        client.send(third)
    account.check(service, ledger)


def test_a_storm_of_large_batches_is_partly_refused_and_recorded_in_full(
    service: Service, account: Account
) -> None:
    with Load() as load:
        for seed in range(8):
            load.add(service.url, account.key, traffic(seed, sizes=[50], padding=5_000), pause_s=0)
        load.goes_on(40)
    assert load.ledger.refused["too-busy"]
    account.check(service, load.ledger)
