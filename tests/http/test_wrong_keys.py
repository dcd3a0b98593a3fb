"""Wrong keys by address: answered at a pace, while right keys of the same address go on."""

import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest

from api.http.wrong_keys import Pace
from tests.databases import Database
from tests.http.service import Service, eventually, on
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, login, new_key

AT_ONCE = 100
PER_S = 10


@pytest.fixture
def watched(fresh_database: Database, start: Callable[..., Service]) -> Service:
    own = start(settings=on(fresh_database) | {"ROUNDBOOK_KEY_CACHE_S": "0.001"})
    own.new_tenant("acme")
    return own


class Flood:
    """Unknown keys over some connections at once, each as soon as the one before is answered."""

    def __init__(self, service: Service, connections: int) -> None:
        self.statuses: Counter[int] = Counter()
        self._service = service
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run) for _ in range(connections)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with self._service.client() as client:
            while not self._stop.is_set():
                headers = {"x-api-key": f"rb_wrong-{next(self._numbers)}"}
                answer = client.get("/api/v1/status", headers=headers)
                self.statuses[answer.status_code] += 1


def test_a_flood_of_wrong_keys_is_answered_at_a_pace_and_right_keys_of_the_address_go_on(
    watched: Service, fresh_database: Database
) -> None:
    right, *new = (new_key(fresh_database, "acme") for _ in range(3))
    with watched.client(right) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        with Flood(watched, 16) as flood:
            eventually(lambda: flood.statuses.total() >= AT_ONCE)
            began, before = time.monotonic(), flood.statuses.total()
            for name in ("b", "c", "d"):
                assert counts(client.post(EVENTS, content=body(login(name)))) == (1, 0, 0)
            # So do those that are new here: they wait for their turn, and are not refused.
            for key in new:
                answer = client.post(EVENTS, content=body(login(key)), headers={"x-api-key": key})
                assert counts(answer) == (1, 0, 0)
            eventually(lambda: time.monotonic() > began + 3)
            answered, took_s = flood.statuses.total() - before, time.monotonic() - began
        assert set(flood.statuses) == {403}
        # Ten a second; those that were under way at both ends are as many as there are connections.
        assert answered <= PER_S * took_s + 2 * 16


def test_who_lets_many_wrong_keys_wait_is_refused_late(watched: Service) -> None:
    with watched.client() as client:
        for number in range(AT_ONCE):
            wrong = {"x-api-key": f"rb_wrong-{number}"}
            assert client.get("/api/v1/status", headers=wrong).status_code == 403
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(watched.address)) for _ in range(300)]
        for number, wire in enumerate(wires):
            wire.request("GET /api/v1/status", {"x-api-key": f"rb_another-{number}"})
        refused = wires[-1].answer("GET")
        assert_problem(refused, "rate-limited")
        assert int(refused.headers["retry-after"]) >= 10
    metrics = httpx.get(f"{watched.url}/metrics").text
    assert 'roundbook_rate_limited_total{what="wrong-keys"}' in metrics


def test_one_wrong_key_sent_again_and_again_is_refused_at_a_pace_too(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    own = start(settings=on(fresh_database))
    began = time.monotonic()
    with own.client() as client, ThreadPoolExecutor(8) as threads:

        def status(number: int) -> int:
            headers = {"x-api-key": "rb_wrong"} if number % 2 else {}
            return client.get("/api/v1/status", headers=headers).status_code

        assert set(threads.map(status, range(500))) == {403}
    assert time.monotonic() - began > 2.9, "200 at once, and then 100 a second"


def test_a_flood_of_wrong_keys_takes_little_of_the_processor(watched: Service) -> None:
    [worker] = watched.workers()
    with Flood(watched, 16) as flood:
        eventually(lambda: flood.statuses.total() >= AT_ONCE)
        before_s, began = processor_s(worker), time.monotonic()
        eventually(lambda: time.monotonic() > began + 3)
        taken_s = processor_s(worker) - before_s
    assert taken_s < 0.5


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_clients_of_a_proxy_are_told_apart_by_what_it_says(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    own = start(settings=on(fresh_database) | {"FORWARDED_ALLOW_IPS": "127.0.0.1"})
    own.new_tenant("acme")
    with own.client() as client:

        def ask(address: str, key: str) -> float:
            began = time.monotonic()
            headers = {"x-api-key": key, "x-forwarded-for": address}
            answer = client.post(EVENTS, content=body(), headers=headers)
            assert answer.status_code == 403
            return time.monotonic() - began

        for number in range(AT_ONCE + 30):
            took_s = ask("192.0.2.1", f"rb_wrong-{number}")
        assert took_s > 0.05
        others = [ask("192.0.2.2", f"rb_other-{number}") for number in range(AT_ONCE)]
        assert sum(others) < 0.9 * AT_ONCE / PER_S, "or this machine takes 90 ms for a refusal"


def test_any_number_of_right_keys_of_one_address_is_looked_up_at_the_same_time(
    watched: Service, fresh_database: Database
) -> None:
    keys = [new_key(fresh_database, "acme") for _ in range(130)]
    with watched.client() as client, ThreadPoolExecutor(40) as threads:

        def status(key: str) -> int:
            return client.post(EVENTS, content=body(), headers={"x-api-key": key}).status_code

        assert set(threads.map(status, keys)) == {204}


def test_addresses_of_one_network_are_one_and_the_memory_of_them_is_bounded() -> None:
    pace = Pace(per_s=10, at_once=100)
    for number in range(100):
        assert not pace.wait_s(f"2001:db8::{number:x}")
        pace.count(f"2001:db8::{number:x}")
    assert 0 < pace.wait_s("2001:db8::ffff:1") <= 0.1
    assert not pace.wait_s("2001:db8:0:1::1")
    assert not pace.wait_s("192.0.2.1")
    for number in range(10_000):
        pace.count(f"unix-{number}")
    assert len(pace._free_at) == 10_000
    assert not pace.wait_s("2001:db8::1")
