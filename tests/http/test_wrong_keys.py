"""Wrong keys by address: answered at a pace, while right keys of the same address go on."""

import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Self

import httpx
import pytest

from api.http.wrong_keys import Pace
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, login, new_key

pytestmark = pytest.mark.xdist_group("wrong keys")

STATUS = "/api/v1/status"
AT_ONCE = 100
PER_S = 10


@pytest.fixture(scope="module")
def database(admin_url: str, template: Database) -> Iterator[Database]:
    with new_database(admin_url, template=template) as own:
        yield own


@pytest.fixture(scope="module")
def proxied(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that believes who says where requests come from, and trusts no key for long."""
    settings = on(database) | {"ROUNDBOOK_KEY_CACHE_S": "0.001", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    with serving(tmp_path_factory.mktemp("proxied"), settings=settings) as running:
        running.new_tenant("acme")
        yield running


_numbers, _addresses = itertools.count(1), itertools.count(1)


@pytest.fixture
def address() -> str:
    """An address of the test's own, of which nothing is known."""
    return f"192.0.2.{next(_addresses)}"


def from_there(address: str, key: str | None = None) -> dict[str, str]:
    return {"x-forwarded-for": address} | ({} if key is None else {"x-api-key": key})


class Flood:
    """Unknown keys over some connections at once, each as soon as the one before is answered."""

    def __init__(self, service: Service, address: str, connections: int = 16) -> None:
        self.statuses: Counter[int] = Counter()
        self._service = service
        self._address = address
        self._stop = threading.Event()
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
                self.statuses[refusal(client, self._address).status_code] += 1


def refusal(client: httpx.Client, address: str) -> httpx.Response:
    """The answer to another unknown key."""
    headers = from_there(address, f"rb_wrong-{next(_numbers)}")
    return client.get(STATUS, headers=headers)


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_flood_of_wrong_keys_is_answered_at_a_pace_and_right_keys_of_the_address_go_on(
    proxied: Service, database: Database, address: str
) -> None:
    right, *new = (new_key(database, "acme") for _ in range(3))
    [worker] = proxied.workers()
    with proxied.client() as client:

        def post(key: str, name: str) -> httpx.Response:
            return client.post(EVENTS, content=body(login(name)), headers=from_there(address, key))

        assert counts(post(right, "a")) == (1, 0, 0)
        began = time.monotonic()
        with Flood(proxied, address) as flood:
            eventually(lambda: flood.statuses.total() >= AT_ONCE)
            measured, before_s = time.monotonic(), processor_s(worker)
            for name in ("b", "c", "d"):
                assert counts(post(right, name)) == (1, 0, 0)
            # So do those that are new here: they wait for their turn, and are not refused.
            for key in new:
                assert counts(post(key, key)) == (1, 0, 0)
            eventually(lambda: time.monotonic() > measured + 3)
            answered, now = flood.statuses.total(), time.monotonic()
            taken_s = processor_s(worker) - before_s
        assert set(flood.statuses) == {403}
        # Those that are looked up together are let go together.
        assert answered <= AT_ONCE + PER_S * (now - began) + 8
        assert taken_s < (now - measured) / 4


def test_who_lets_many_wrong_keys_wait_is_refused(proxied: Service, address: str) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(proxied.address)) for _ in range(300)]
        for number, wire in enumerate(wires):
            wire.request(f"GET {STATUS}", from_there(address, f"rb_another-{number}"))
        # A hundred are looked up at once, and a hundred in the ten seconds that any waits.
        refused = wires[-1].answer("GET")
        assert_problem(refused, "rate-limited")
        assert int(refused.headers["retry-after"]) >= 10
    metrics = httpx.get(f"{proxied.url}/metrics", timeout=60).text
    assert 'roundbook_rate_limited_total{what="wrong-keys"}' in metrics


def test_what_needs_no_look_up_is_refused_at_a_pace_too(proxied: Service, address: str) -> None:
    began = time.monotonic()
    with proxied.client() as client, ThreadPoolExecutor(8) as threads:

        def status(number: int) -> int:
            key = "x" * 1_000 if number % 2 else None
            return client.get(STATUS, headers=from_there(address, key)).status_code

        assert set(threads.map(status, range(500))) == {403}
    assert time.monotonic() - began > 2.9, "200 at once, and then 100 a second"


def test_the_clients_of_a_proxy_are_told_apart_by_what_it_says(
    proxied: Service, address: str
) -> None:
    with proxied.client() as client, Flood(proxied, address):

        def took_s(of: str) -> float:
            began = time.monotonic()
            assert refusal(client, of).status_code == 403
            return time.monotonic() - began

        eventually(lambda: took_s(address) > 8 / PER_S)  # behind sixteen others of it
        assert median(took_s("198.51.100.1") for _ in range(AT_ONCE)) < 8 / PER_S


def test_any_number_of_right_keys_of_one_address_is_looked_up_at_the_same_time(
    proxied: Service, database: Database, address: str
) -> None:
    keys = [new_key(database, "acme") for _ in range(130)]
    with proxied.client() as client, ThreadPoolExecutor(40) as threads:

        def status(key: str) -> int:
            headers = from_there(address, key)
            return client.post(EVENTS, content=body(), headers=headers).status_code

        assert set(threads.map(status, keys)) == {204}


def test_addresses_of_one_network_are_one_and_the_memory_of_them_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.http.wrong_keys.time", SimpleNamespace(monotonic=lambda: 1_000.0))
    pace = Pace(per_s=8, at_once=100)
    for number in range(100):
        assert not pace.wait_s(f"2001:db8::{number:x}")
        pace.count(f"2001:db8::{number:x}")
    assert pace.wait_s("2001:db8::ffff:1") == 1 / 8
    assert not pace.wait_s("2001:db8:0:1::1")
    assert not pace.wait_s("192.0.2.1")
    for number in range(10_000):
        pace.count(f"unix-{number}")
    assert len(pace._free_at) == 10_000
    assert not pace.wait_s("2001:db8::1")
