"""Clients at the same time, over several processes of two services on one database."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from postgres.connections import connect
from tests.databases import Database
from tests.http.service import Service, on, serving
from tests.http.wire import EVENTS, body, deposit, item, login

THREADS = 8
RECEIPT = {"prefer": "return=representation"}

Receipt = dict[str, Any]


@pytest.fixture(scope="module")
def two_workers(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A second service beside the shared one, of two processes."""
    folder = tmp_path_factory.mktemp("two-workers")
    with serving(folder, "--workers", "2", settings=on(served)) as running:
        assert len(running.workers()) == 2
        yield running


Send = Callable[[Sequence[Sequence[bytes]]], list[list[Receipt]]]


@pytest.fixture
def at_once(service: Service, two_workers: Service, key: str) -> Send:
    """A function that lets one client for each list send its batches, all at once, to both services."""

    def send(batches: Sequence[Sequence[bytes]]) -> list[list[Receipt]]:
        ready = Barrier(len(batches))

        def run(number: int) -> list[Receipt]:
            to = service if number % 3 == 2 else two_workers
            with to.client(key) as client:
                client.post(EVENTS, content=body())
                ready.wait()
                return [receipt(client, batch) for batch in batches[number]]

        with ThreadPoolExecutor(len(batches)) as threads:
            return list(threads.map(run, range(len(batches))))

    return send


def receipt(client: httpx.Client, batch: bytes) -> Receipt:
    answer = client.post(EVENTS, content=batch, headers=RECEIPT)
    assert answer.status_code == 200, answer.text
    found: Receipt = answer.json()
    return found


def log_of(database: Database, tenant_name: str) -> list[tuple[int, str, int]]:
    """The log's positions, streams and versions, in order."""
    with connect(database.service_url) as connection:
        return connection.execute(
            "select position, stream, version from events join tenants using (tenant_id)"
            " where name = %s order by position",
            [tenant_name],
        ).fetchall()


def test_overlapping_batches_store_each_item_once_without_gaps(
    at_once: Send, served: Database, tenant_name: str
) -> None:
    rng = random.Random(1)
    items = [
        *(deposit(f"d{n}", player_id=f"p{n % 7}") for n in range(400)),
        *(item("game", f"g{n}", game_id=f"g{n % 3}") for n in range(50)),
        *(login(f"l{n}", player_id=f"p{n % 11}") for n in range(150)),
    ]
    batches = [[body(*rng.sample(items, 60)) for _ in range(15)] for _ in range(THREADS)]
    receipts = [found for client in at_once(batches) for found in client]

    stored: dict[str, int] = {}
    positions = defaultdict(set)
    for found in receipts:
        assert found["conflict"] == 0
        assert found["stored"] + found["duplicate"] == 60
        assert found["log_position"] >= max(row["position"] for row in found["items"])
        new = [row["position"] for row in found["items"] if row["outcome"] == "stored"]
        assert new == sorted(new)
        for row in found["items"]:
            positions[row["unique_id"]].add(row["position"])
            if row["outcome"] == "stored":
                assert row["unique_id"] not in stored
                stored[row["unique_id"]] = row["position"]
    assert all(len(found) == 1 for found in positions.values())
    assert set(stored) == set(positions)

    log = log_of(served, tenant_name)
    assert [position for position, _, _ in log] == list(range(1, len(stored) + 1))
    versions = defaultdict(list)
    for _, stream, version in log:
        versions[stream].append(version)
    for found_versions in versions.values():
        assert found_versions == list(range(1, len(found_versions) + 1))


def test_of_one_new_batch_sent_twice_at_once_one_stores_and_one_sees_duplicates(
    at_once: Send, served: Database, tenant_name: str
) -> None:
    batches = [body(*(login(f"{turn}-{n}") for n in range(500))) for turn in range(10)]
    ones, others = at_once([batches, batches])
    for one, other in zip(ones, others, strict=True):
        assert sorted([one["stored"], other["stored"]]) == [0, 500]
        assert sorted([one["duplicate"], other["duplicate"]]) == [0, 500]
        assert [row["position"] for row in one["items"]] == [
            row["position"] for row in other["items"]
        ]
    assert len(log_of(served, tenant_name)) == 5_000


def test_of_contradicting_items_sent_at_once_one_stands(
    at_once: Send, served: Database, tenant_name: str
) -> None:
    batches = [
        [body(deposit(f"u{n}", amount=client)) for n in range(20)] for client in range(THREADS)
    ]
    receipts = at_once(batches)
    for contents in zip(*receipts, strict=True):
        outcomes = sorted(found["items"][0]["outcome"] for found in contents)
        assert outcomes == ["conflict"] * (THREADS - 1) + ["stored"]
        assert len({found["items"][0]["position"] for found in contents}) == 1
    assert len(log_of(served, tenant_name)) == 20
    with connect(served.service_url) as connection:
        numbers = connection.execute(
            "select array_agg(number order by number) from conflicts join tenants using (tenant_id)"
            " where name = %s",
            [tenant_name],
        ).fetchone()
    assert numbers == (list(range(1, 20 * (THREADS - 1) + 1)),)


def test_small_requests_of_many_clients_each_get_their_own_receipt(at_once: Send) -> None:
    batches = [
        [body(login(f"{client}-{turn}"), login(f"shared-{turn}")) for turn in range(25)]
        for client in range(THREADS)
    ]
    receipts = at_once(batches)
    for client, found in enumerate(receipts):
        for turn, each in enumerate(found):
            own, shared = each["items"]
            assert own["unique_id"] == f"{client}-{turn}"
            assert own["outcome"] == "stored"
            assert shared["unique_id"] == f"shared-{turn}"
    for turn in range(25):
        shared = [found[turn]["items"][1] for found in receipts]
        assert [row["outcome"] for row in shared].count("stored") == 1
        assert len({row["position"] for row in shared}) == 1
