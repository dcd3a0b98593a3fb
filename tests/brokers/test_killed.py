"""Nothing is lost, doubled or overtaken, whoever dies: the consumer, the broker, PostgreSQL's sessions."""

import json
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.brokers.conftest import Consuming, kill
from tests.brokers.places import Place, Sent
from tests.brokers.test_consuming import gone, head, is_recorded
from tests.databases import SERVICE_ROLE, Database
from tests.faults.places import temporary_folder
from tests.faults.proxy import Point, Proxy
from tests.http.reading import read_all
from tests.http.service import eventually
from tests.http.wire import login

_OPTIONS = ("--batch", "50", "--linger", "0.01")


def messages(first: int, count: int) -> list[Sent]:
    """Logins, each a message, all in one partition."""
    items = [
        login(f"{number:05}", player_id=f"p{number % 7}") for number in range(first, first + count)
    ]
    return [Sent(json.dumps(each).encode(), key="all") for each in items]


def options(place: Place) -> list[str]:
    """Small batches; and what a dead consumer had comes again soon."""
    return [*_OPTIONS, *(["--ack-wait", "3"] if place.broker == "nats" else [])]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets."""
    with temporary_folder() as path:
        yield path


@pytest.fixture
def soon(place: Place, tmp_path: Path) -> dict[str, str]:
    """Settings by which Kafka soon finds out who is dead."""
    file = tmp_path / "kafka.properties"
    file.write_text("# of librdkafka\nsession.timeout.ms = 6000\nheartbeat.interval.ms=500\n")
    return {"broker_file": str(file)} if place.broker == "kafka" else {}


def assert_each_once_in_order(client: httpx.Client, count: int) -> None:
    recorded = read_all(client, "history", at_least=count)
    assert [row["data"]["unique_id"] for row in recorded] == [f"{n:05}" for n in range(count)]
    assert read_all(client, "conflicts", at_least=count) == []


def test_a_consumer_that_is_killed_goes_on_where_it_was(
    place: Place, client: httpx.Client, consuming: Consuming, soon: dict[str, str]
) -> None:
    rng, part, count = Random(15), 750, 3_000
    for first in range(0, count - part, part):
        # Part by part: however late one is killed, there is more for the next.
        place.publish(messages(first, part))
        running = consuming(place, *options(place), **soon)
        eventually(partial(is_recorded, client, first + rng.randrange(1, 500)))
        kill(running)
    place.publish(messages(count - part, part))
    running = consuming(place, *options(place), **soon)
    eventually(lambda: head(client) >= count or gone(running))
    running.stop()
    assert place.waiting() == 0
    assert_each_once_in_order(client, count)


def test_a_broker_that_is_killed_is_come_back_to(
    lasting: Place, client: httpx.Client, consuming: Consuming
) -> None:
    place, half = lasting, 1_500
    place.publish(messages(0, half))
    running = consuming(place, *options(place))
    eventually(lambda: head(client) >= 200 or gone(running))
    place.server.kill()
    eventually(lambda: "waiting for the broker" in running.log())
    place.server.start()
    place.publish(messages(half, half))
    eventually(lambda: head(client) >= 2 * half or gone(running))
    running.stop()
    assert place.waiting() == 0
    assert_each_once_in_order(client, 2 * half)


def test_sessions_of_postgresql_may_end_at_any_time(
    place: Place, client: httpx.Client, served: Database, tenant: str, consuming: Consuming
) -> None:
    count, ended = 2_000, 0
    place.publish(messages(0, count))
    name = urlsplit(served.service_url).path.removeprefix("/")
    with psycopg.connect(served.admin_url, dbname=name, autocommit=True) as admin:

        def recorded() -> int:
            found = admin.execute(
                "select count(*) from roundbook.events join roundbook.tenants using (tenant_id)"
                " where name = %s",
                [tenant],
            ).fetchone()
            assert found
            return int(found[0])

        running = consuming(place, *options(place))
        for at in range(200, count + 1, 200):
            eventually(lambda at=at: recorded() >= at or gone(running))  # type: ignore[misc]
            found = admin.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = current_database() and usename = %s",
                [SERVICE_ROLE],
            ).fetchone()
            assert found
            ended += int(found[0])
    assert ended >= 10
    running.stop()
    assert place.waiting() == 0
    eventually(lambda: client.get("/api/v1/status").status_code == 200)
    assert_each_once_in_order(client, count)


def test_nothing_is_acknowledged_that_is_not_committed(
    place: Place,
    client: httpx.Client,
    served: Database,
    folder: Path,
    consuming: Consuming,
    soon: dict[str, str],
) -> None:
    with Proxy(folder, served.service_url) as proxy:
        held = proxy.set_trap(Point.BEFORE_COMMIT, hold=lambda: None)
        place.publish(messages(0, 100))
        through = proxy.through(served.service_url)
        running = consuming(place, *options(place), database_url=through, **soon)
        held.wait()
        kill(running)
    eventually(lambda: place.waiting() == 100)
    running = consuming(place, *options(place), **soon)
    eventually(lambda: head(client) >= 100 or gone(running))
    running.signal(signal.SIGTERM)
    assert running.ended()[0] == 0
    assert place.waiting() == 0
    assert_each_once_in_order(client, 100)
