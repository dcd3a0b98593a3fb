"""The store goes away under the service, and comes back."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from postgres.connections import connect
from postgres.embedded import EmbeddedServer
from tests.embedded.processes import postmaster
from tests.http.service import Service, eventually
from tests.http.wire import EVENTS, assert_problem, body, counts, login, recorded
from tests.processes import descendants, runs, stopped

BATCH = body(*(login(str(n)) for n in range(100)))


@pytest.fixture
def data_dir(folder: Path) -> Path:
    return folder / "data"


@contextmanager
def store_gone(service: Service, data_dir: Path) -> Iterator[None]:
    """Kill the embedded database, whose owner is held back from starting it again meanwhile."""
    os.kill(service.pid, signal.SIGSTOP)
    pid = postmaster(data_dir)
    children = descendants(pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(runs, [pid, *children])))
    try:
        yield
    finally:
        os.kill(service.pid, signal.SIGCONT)


def assert_unavailable(answer: httpx.Response) -> None:
    assert_problem(answer, "store-unavailable")
    assert int(answer.headers["retry-after"]) >= 1


def test_without_its_store_the_service_says_503_and_then_takes_the_same_batch(
    embedded: Service, data_dir: Path
) -> None:
    known, unknown = embedded.new_key("acme"), embedded.new_key("acme")
    asking = embedded.new_key("acme", "read", "audit")
    with embedded.client(known) as client, embedded.client(unknown) as stranger:
        assert counts(client.post(EVENTS, content=body(login("before")))) == (1, 0, 0)
        assert client.get("/api/v1/status", headers={"x-api-key": asking}).status_code == 200
        with store_gone(embedded, data_dir), ThreadPoolExecutor() as threads:
            requests: list[Callable[[], httpx.Response]] = [
                lambda: client.post(EVENTS, content=BATCH),
                lambda: stranger.post(EVENTS, content=BATCH),
                *(
                    lambda path=path: client.get(path, headers={"x-api-key": asking})
                    for path in ("/api/v1/balances", "/api/v1/history", "/api/v1/status")
                ),
            ]
            answers = [threads.submit(request) for request in requests]
            ready = client.get("/health/ready")
            assert ready.status_code == 503
            assert client.get("/health/live").status_code == 200
            assert client.get("/metrics").status_code == 200
            for answer in answers:
                assert_unavailable(answer.result())
        eventually(lambda: embedded.answers("/health/ready"))
        stored, duplicate, conflict = counts(client.post(EVENTS, content=BATCH))
        assert (stored + duplicate, conflict) == (100, 0)
        assert counts(stranger.post(EVENTS, content=BATCH)) == (0, 100, 0)
    embedded.stop()
    with EmbeddedServer(data_dir) as server:
        assert recorded(server.service_url) == 101


def test_a_client_that_tries_again_gets_each_batch_stored_once_though_the_store_is_killed(
    embedded: Service, data_dir: Path
) -> None:
    turns = 60
    reached = [threading.Event() for _ in range(turns)]

    def send_all() -> list[tuple[int, int, int]]:
        found = []
        with embedded.client(key) as client:
            for turn in range(turns):
                sent = body(*(login(f"{turn}-{n}") for n in range(100)))
                while (answer := client.post(EVENTS, content=sent)).status_code != 204:
                    assert_unavailable(answer)
                found.append(counts(answer))
                reached[turn].set()
        return found

    key = embedded.new_key("acme")
    with ThreadPoolExecutor() as threads:
        sending = threads.submit(send_all)
        for turn in (5, 20, 35):
            assert reached[turn].wait(60)
            os.kill(postmaster(data_dir), signal.SIGKILL)
        for stored, duplicate, conflict in sending.result():
            assert sorted([stored, duplicate]) == [0, 100]
            assert conflict == 0
    embedded.stop()
    with EmbeddedServer(data_dir) as server, connect(server.service_url) as connection:
        log = connection.execute("select position, version from events order by position")
        assert log.fetchall() == [(n, n) for n in range(1, 100 * turns + 1)]


def test_a_store_that_hangs_makes_the_service_unready_until_it_goes_on(
    embedded: Service, data_dir: Path
) -> None:
    pid = postmaster(data_dir)
    with stopped(pid, *descendants(pid)):
        answer = httpx.get(embedded.url + "/health/ready", timeout=60)
        assert answer.status_code == 503
        assert answer.json()["status"] == "waiting"
        assert embedded.answers("/health/live")
    eventually(lambda: embedded.answers("/health/ready"))
