"""Connections between the service and PostgreSQL that break at the worst moments."""

import itertools
from collections.abc import Callable

import pytest

from tests.databases import Database
from tests.faults.places import Account
from tests.faults.proxy import Point, Proxy
from tests.faults.sending import Ledger, Load, items_of, traffic
from tests.http.service import Service


@pytest.fixture(scope="module")
def way(module_proxy: Proxy) -> Proxy:
    """The service's way to its database."""
    return module_proxy


@pytest.fixture(scope="module")
def service(module_start: Callable[..., Service], way: Proxy, shared: Database) -> Service:
    """A service that survives whatever happens on the way to its database."""
    return module_start(
        database_url=way.through(shared.service_url),
        owner_url=shared.owner_url,
        lock_timeout_s="2",
        chunk_events="50",
    )


def test_a_batch_cut_off_at_any_point_is_answered_503_and_sent_again_it_is_recorded_once(
    service: Service, way: Proxy, account: Account
) -> None:
    ledger = Ledger()
    items = items_of(1)
    with account.client(service, ledger) as client:
        outcomes = {}
        for point in Point:
            batch = list(itertools.islice(items, 500))
            trap = way.set_trap(point)
            assert client.send_once(batch).status_code == 503
            trap.wait()
            again = client.send(batch).json()
            assert again["conflict"] == 0
            outcomes[point] = (again["stored"], again["duplicate"])
            # What the service remembers of the log must still be true.
            assert client.send(list(itertools.islice(items, 50))).json()["stored"] == 50
    on_the_way = outcomes.pop(Point.AT_COMMIT)
    assert outcomes == {
        Point.IN_COPY: (500, 0),
        Point.BEFORE_COMMIT: (500, 0),
        Point.AFTER_COMMIT: (0, 500),
    }
    assert sorted(on_the_way) == [0, 500]
    account.check(service, ledger)


def test_batches_cut_off_under_load_are_all_recorded_once(
    service: Service, way: Proxy, account: Account
) -> None:
    with Load() as load:
        for seed in range(3):
            load.add(service.url, account.key, traffic(seed))
        load.add(service.url, account.key, traffic(2))  # the same as another client's
        for point in [*Point, *Point]:
            trap = way.set_trap(point)
            trap.wait()
            load.goes_on(5)
    assert load.ledger.refused["store-unavailable"] >= 2 * len(Point)
    account.check(service, load.ledger)


def test_connections_cut_all_at_once_wherever_they_are_lose_nothing(
    service: Service, way: Proxy, account: Account
) -> None:
    with Load() as load:
        for seed in range(4):
            load.add(service.url, account.key, traffic(seed))
        for _ in range(6):
            load.goes_on(5)
            way.cut_all()
    account.check(service, load.ledger)


def test_a_projection_cut_off_at_any_point_shows_every_event_once(
    service: Service, way: Proxy, account: Account
) -> None:
    with Load() as load:
        for seed in range(3):
            load.add(service.url, account.key, traffic(seed))
        for point in Point:
            way.set_trap(point, table="rounds").wait()
    account.check(service, load.ledger)
