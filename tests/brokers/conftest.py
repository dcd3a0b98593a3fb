"""Brokers that the tests of this folder share. Each is started when the first test asks for it, and ends with them.

So that each is started once, the tests of a broker are to run in one process of pytest-xdist:
`pytestmark = pytest.mark.xdist_group("rabbitmq")`, "nats" or "kafka".
"""

from collections.abc import Iterator

import pytest

from tests.brokers.servers import MockKafka, Nats, RabbitMq
from tests.faults.places import temporary_folder


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
