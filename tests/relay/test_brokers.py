"""Relaying to real brokers: all arrives, in the order of each stream, whatever is killed."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.relay.subscriptions import add_subscription, replay_subscription, resume_subscription
from app.settings import Settings
from app.tenants import Tenant
from postgres.connections import Pool
from tests.brokers.conftest import kafka, nats_server, rabbitmq
from tests.brokers.servers import MockKafka, Server
from tests.databases import Database
from tests.http.service import eventually, on
from tests.processes import stopped
from tests.recording.sending import login, send
from tests.relay.conftest import LEASE_S, Relaying, Subscribed
from tests.relay.killing import relay_while_some_are_killed
from tests.relay.readers import NatsStream, Queue, Read, Reader, Topic
from tests.relay.receiver import in_order_of_streams

__all__ = ["kafka", "nats_server", "rabbitmq"]

_numbers = itertools.count(1)

KINDS = {
    "nats": ("nats_server", NatsStream),
    "rabbitmq": ("rabbitmq", Queue),
    "kafka": ("kafka", Topic),
}


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
def reader(request: pytest.FixtureRequest) -> Reader:
    """Somewhere of a broker's that no other test has."""
    server, make = KINDS[request.param]
    made: Reader = make(request.getfixturevalue(server), f"r{os.getpid()}-{next(_numbers)}")
    return made


@pytest.fixture
def settings(reader: Reader, tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path), broker_url=reader.server.url, relay_lease_s=LEASE_S)


@pytest.fixture
def subscribed(pool: Pool, tenant: Tenant, reader: Reader) -> Subscribed:
    """A subscription of the tenant's whole log."""
    with pool.connection() as connection:
        add_subscription(connection, tenant, "out", reader.kind, reader.target, first=1)  # type: ignore[arg-type]
    return Subscribed(pool, tenant, "out")


def record(pool: Pool, tenant: Tenant, first: int, last: int, players: int = 20) -> None:
    numbers = range(first, last + 1)
    send(pool, tenant, [login(f"u{number}", f"p{number % players}") for number in numbers])


def first_arrivals(found: list[Read]) -> list[Read]:
    return list({each.id: each for each in reversed(found)}.values())[::-1]


def test_each_event_arrives_once_in_order_and_is_named(
    pool: Pool, tenant: Tenant, reader: Reader, subscribed: Subscribed, relaying: Relaying
) -> None:
    record(pool, tenant, 1, 3_000)
    with relaying():
        eventually(subscribed.is_level)
        record(pool, tenant, 3_001, 3_010)
        eventually(subscribed.is_level)
        found = reader.read()
        assert len(found) == 3_010
        assert {each.message["position"] for each in found} == set(range(1, 3_011))
        assert in_order_of_streams([each.message for each in found])
        assert all(each.id == each.message["id"] for each in found)
        expected = reader.target.format(tenant=tenant.name, event="login").replace("/", "", 1)
        assert {each.address for each in found} == {expected.removeprefix(_exchange(reader))}
        with pool.connection() as connection:
            replay_subscription(connection, tenant, "out", 3_001)
        eventually(subscribed.is_level)
    again = reader.read()
    # JetStream drops what it has; whoever reads the others does, by the id.
    assert len(again) == (3_010 if reader.kind == "nats" else 3_020)
    assert len(first_arrivals(again)) == 3_010


@contextmanager
def away(server: Server) -> Iterator[None]:
    """Let a broker be away, with what it has: it is killed, but for the one that has all in memory."""
    if isinstance(server, MockKafka):
        with stopped(*server.pids):
            yield
        return
    server.kill()
    try:
        yield
    finally:
        server.start()


def _exchange(reader: Reader) -> str:
    return reader.target.partition("/")[0] if reader.kind == "rabbitmq" else ""


def test_a_broker_that_was_away_has_all_when_it_is_back(
    pool: Pool, tenant: Tenant, reader: Reader, subscribed: Subscribed, relaying: Relaying
) -> None:
    with relaying():
        record(pool, tenant, 1, 100)
        eventually(subscribed.is_level)
        with away(reader.server):
            record(pool, tenant, 101, 400)
            eventually(lambda: subscribed.now().failures > 0)
        with pool.connection() as connection:
            resume_subscription(connection, tenant, "out")
        eventually(subscribed.is_level)
    firsts = first_arrivals(reader.read())
    assert {each.message["position"] for each in firsts} == set(range(1, 401))
    assert in_order_of_streams([each.message for each in firsts])


@pytest.mark.parametrize(
    ("reader", "nobodys", "why"),
    [
        pytest.param(
            *("nats", "nobodys.{tenant}", "no stream of NATS has the subject"),
            marks=pytest.mark.xdist_group("nats"),
        ),
        pytest.param(
            *("rabbitmq", "/nobodys", "no queue takes the routing key 'nobodys'"),
            marks=pytest.mark.xdist_group("rabbitmq"),
        ),
    ],
    indirect=["reader"],
)
def test_what_nobody_takes_is_not_lost(
    pool: Pool, tenant: Tenant, reader: Reader, relaying: Relaying, nobodys: str, why: str
) -> None:
    with pool.connection() as connection:
        add_subscription(connection, tenant, "lost", reader.kind, nobodys, first=1)  # type: ignore[arg-type]
    lost = Subscribed(pool, tenant, "lost")
    record(pool, tenant, 1, 3)
    with relaying():
        eventually(lambda: lost.now().failures > 0)
    assert why in (lost.now().failure or "")
    assert lost.now().position == 0


def test_whoever_is_killed_when_all_arrives_and_repeats_have_the_same_ids(
    pool: Pool,
    database: Database,
    tenant: Tenant,
    reader: Reader,
    subscribed: Subscribed,
) -> None:
    settings = on(database) | {
        "ROUNDBOOK_BROKER_URL": reader.server.url,
        "ROUNDBOOK_RELAY_LEASE_S": "1",
    }

    def recording() -> None:
        for first in range(1, 6_001, 250):
            record(pool, tenant, first, first + 249)

    goals = [1_300, 2_100, 3_450, 4_200]
    relay_while_some_are_killed(reader.kind, subscribed, recording, goals=goals, settings=settings)
    found = reader.read()
    firsts = first_arrivals(found)
    assert sorted(each.message["position"] for each in firsts) == list(range(1, 6_001))
    assert in_order_of_streams([each.message for each in firsts])
    ids = {each.message["position"]: each.id for each in firsts}
    assert all(ids[each.message["position"]] == each.id for each in found)
    assert subscribed.now().position == 6_000
