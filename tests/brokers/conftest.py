"""Brokers that the tests of this folder share. Each is started when the first test asks for it.

So that each is started once, the tests of a broker are to run in one process of pytest-xdist:
`pytestmark = pytest.mark.xdist_group("rabbitmq")`, "nats" or "kafka".
"""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from _pytest.mark import ParameterSet

from tests.brokers.places import PLACES, Place
from tests.brokers.servers import MockKafka, Nats, RabbitMq
from tests.databases import Database, new_database
from tests.faults.places import temporary_folder
from tests.http.service import Running, Service, on, serving

Consuming = Callable[..., Running]

_names = itertools.count(1)


@pytest.fixture(scope="package")
def rabbitmq() -> Iterator[RabbitMq]:
    """A RabbitMQ; tests take names of their own for what they declare."""
    with temporary_folder() as folder, RabbitMq(folder) as server:
        yield server


@pytest.fixture(scope="package")
def nats_server() -> Iterator[Nats]:
    """A NATS server with JetStream; tests take names of their own for streams and subjects."""
    with temporary_folder() as folder, Nats(folder) as server:
        yield server


@pytest.fixture(scope="package")
def kafka() -> Iterator[MockKafka]:
    """A mock of a Kafka cluster; tests take names of their own for topics and groups."""
    with temporary_folder() as folder, MockKafka(folder) as cluster:
        yield cluster


@pytest.fixture(scope="package")
def served(admin_url: str, template: Database) -> Iterator[Database]:
    """The database of the service beside which brokers are consumed."""
    with new_database(admin_url, template=template) as database:
        yield database


@pytest.fixture(scope="package")
def service(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running `roundbook serve`."""
    with serving(tmp_path_factory.mktemp("service"), settings=on(served)) as running:
        yield running


def _each(*brokers: str) -> list[ParameterSet]:
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in brokers]


@pytest.fixture(params=_each(*PLACES))
def place(request: pytest.FixtureRequest) -> Place:
    """A queue, a stream and a topic, one after the other."""
    return _make(request)


@pytest.fixture(params=_each("rabbitmq", "nats"))
def lasting(request: pytest.FixtureRequest) -> Place:
    """A queue and a stream, which outlast their broker; a mock of Kafka keeps nothing."""
    return _make(request)


def _make(request: pytest.FixtureRequest) -> Place:
    fixture = {"nats": "nats_server"}.get(request.param, request.param)
    return PLACES[request.param](request.getfixturevalue(fixture))


@pytest.fixture
def tenant(service: Service) -> str:
    """A tenant of the service."""
    name = f"t{os.getpid()}-{next(_names)}"
    service.new_tenant(name)
    return name


@pytest.fixture
def client(service: Service, tenant: str) -> Iterator[httpx.Client]:
    """HTTP to the service, with all rights."""
    with service.client(service.new_key(tenant, "ingest", "read", "audit")) as http:
        yield http


@pytest.fixture
def consuming(tmp_path: Path, served: Database, tenant: str) -> Iterator[Consuming]:
    """A function that starts consumers, which end with the test."""
    with ExitStack() as ends:

        def start(place: Place, *options: str, **settings: str) -> Running:
            named = {f"ROUNDBOOK_{name.upper()}": value for name, value in settings.items()}
            given = {**on(served), "ROUNDBOOK_BROKER_URL": place.server.url, **named}
            running = Running(tmp_path, *place.command(tenant, *options), settings=given)
            ends.callback(kill, running)
            return running

        yield start


def kill(running: Running) -> None:
    """Kill a command, which may have ended, and wait for its end."""
    if running.process.returncode is None:
        running.process.kill()
        running.process.communicate()
