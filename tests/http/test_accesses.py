"""Accesses over HTTP: recorded by several processes without a gap, and before the first byte of an answer."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGKILL
from threading import Barrier
from typing import Any

import httpx
import pytest

from postgres.connections import connect
from tests.databases import Database
from tests.http.service import Service, in_folder, on, serving
from tests.http.test_live_history import listening
from tests.http.wire import EVENTS, Wire, body, login
from tests.processes import kill_all

HISTORY = "/api/v1/history"
THREADS = 6
EACH = 25


@pytest.fixture(scope="module")
def two_workers(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A second service beside the shared one, of two processes."""
    folder = tmp_path_factory.mktemp("accessed")
    with serving(folder, "--workers", "2", settings=on(served)) as running:
        yield running


def accesses(database_url: str) -> list[tuple[Any, ...]]:
    with connect(database_url) as connection:
        return connection.execute(
            "select t.name, number, method, path, query, accessed_at"
            "  from accesses join tenants t using (tenant_id) order by 1, 2"
        ).fetchall()


def test_processes_that_record_at_once_leave_no_gap(
    service: Service, two_workers: Service, served: Database, tenant_name: str, key: str
) -> None:
    ready = Barrier(THREADS)

    def run(number: int) -> None:
        to = service if number % 3 == 2 else two_workers
        ready.wait()
        for turn in range(EACH):
            # Each time a connection of its own, so that both workers are asked.
            with to.client(key) as client:
                asked = {"from_position": number, "to_position": turn}
                assert client.get(HISTORY, params=asked).status_code == 200

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(run, range(THREADS)))
    own = [row for row in accesses(served.service_url) if row[0] == tenant_name]
    assert [row[1] for row in own] == list(range(1, THREADS * EACH + 1))
    assert [row[5] for row in own] == sorted(row[5] for row in own)
    expected = {f"from_position={n}&to_position={t}" for n in range(THREADS) for t in range(EACH)}
    assert Counter(row[4] for row in own) == Counter(expected)


def test_head_is_an_access_and_a_stream_is_one(
    client: httpx.Client, served: Database, tenant_name: str
) -> None:
    client.post(EVENTS, content=body(login("a"), login("b")))
    client.head(HISTORY, params={"player_id": "p"})
    client.options(HISTORY)
    with listening(client, after=1) as events:
        assert next(events)[0] == 2
        client.post(EVENTS, content=body(login("c")))
        assert next(events)[0] == 3
    answer = client.get("/api/v1/accesses")
    shown = [
        (row["number"], row["method"], row["path"], row["query"], row["last_event_id"])
        for row in answer.json()["items"]
    ]
    assert shown == [
        (3, "GET", "/api/v1/accesses", "", ""),
        (2, "GET", HISTORY, "", "1"),
        (1, "HEAD", HISTORY, "player_id=p", ""),
    ]
    own = [row for row in accesses(served.service_url) if row[0] == tenant_name]
    assert [row[1:5] for row in own] == [row[:4] for row in reversed(shown)]


def test_an_access_outlasts_whatever_happens_after_the_first_byte(
    embedded: Service, folder: Path, start: Callable[..., Service]
) -> None:
    """All of the service is killed, its database included."""
    key = embedded.new_key("acme", "ingest", "audit")
    with embedded.client(key) as client:
        client.post(EVENTS, content=body(login("a")))
    with Wire(embedded.address) as stream, Wire(embedded.address) as page:
        for wire, accept in ((stream, "text/event-stream"), (page, "application/json")):
            wire.request(f"GET {HISTORY}?to_position=7", {"x-api-key": key, "accept": accept})
            assert wire.socket.recv(1) == b"H"
        kill_all(embedded.family())
    assert embedded.ended()[0] == -SIGKILL
    following = start(settings=in_folder(folder / "data"))
    with following.client(key) as client:
        items = client.get("/api/v1/accesses").json()["items"]
    assert [(row["number"], row["query"]) for row in items] == [
        (3, ""),
        (2, "to_position=7"),
        (1, "to_position=7"),
    ]
