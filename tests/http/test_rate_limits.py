"""Rate limits of tenants and keys, over HTTP, by several processes on one store."""

import gzip
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import count

import httpx
import pytest

from app.limits.limits import WHOLE_TENANT, Limit, remove_limit, set_limit
from app.log.append import head
from app.tenants import find_tenant
from postgres.connections import connect
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, starting
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, login, new_key

_ids = count()


def batch(items: int) -> bytes:
    return body(*(login(f"u{next(_ids)}") for _ in range(items)))


def limit(
    database: Database,
    tenant: str,
    *,
    key: str | None = None,
    requests: int | None = None,
    items: int | None = None,
    size: int | None = None,
    burst_s: int = 10,
) -> None:
    """Set the limit of a tenant, or of a key; none of the three takes it away."""
    with connect(database.service_url) as connection:
        tenant_id = find_tenant(connection, tenant).tenant_id
        key_id = WHOLE_TENANT
        if key is not None:
            found = connection.execute(
                "select key_id from key_of(sha256(%s))", [key.encode()]
            ).fetchone()
            assert found is not None
            [key_id] = found
        if requests or items or size:
            set_limit(connection, tenant_id, Limit(key_id, requests, items, size, burst_s))
        else:
            remove_limit(connection, tenant_id, key_id)


def store_time(database: Database) -> datetime:
    with connect(database.service_url) as connection:
        found = connection.execute("select clock_timestamp()").fetchone()
    assert found is not None
    moment: datetime = found[0]
    return moment


def limited(url: str) -> dict[str, float]:
    """How many were refused, by what."""
    line = re.compile(r'^roundbook_rate_limited_total\{what="(\S+)"\} (\S+)$', re.MULTILINE)
    return {
        what: float(number)
        for what, number in line.findall(httpx.get(f"{url}/metrics", timeout=60).text)
    }


@pytest.fixture(scope="module")
def store(admin_url: str, template: Database) -> Iterator[Database]:
    """The database of the services of this module."""
    with new_database(admin_url, template=template) as own:
        yield own


@pytest.fixture(scope="module")
def hosts(store: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Two services on one store, one of two processes; they trust what they read of a key for a moment."""
    settings = on(store) | {"ROUNDBOOK_KEY_CACHE_S": "0.2"}
    with starting(tmp_path_factory.mktemp("hosts")) as start:
        yield [
            start("--workers", "2", settings=settings),
            start("--no-projections", settings=settings),
        ]


@pytest.fixture
def acme(hosts: list[Service]) -> str:
    """A tenant of the test's own."""
    name = f"acme-{next(_ids)}"
    hosts[0].new_tenant(name)
    return name


@contextmanager
def senders(hosts: list[Service], keys: list[str]) -> Iterator[Callable[[int], int]]:
    """A function that sends batches of so many items at once by all hosts and keys, and counts the taken."""
    clients = [host.client(key) for host in hosts for key in keys for _ in range(2)]

    def send(client: httpx.Client, items: int) -> int:
        answer = client.post(EVENTS, content=batch(items))
        if answer.status_code == 429:
            assert_problem(answer, "rate-limited")
            return 0
        assert counts(answer) == (items, 0, 0)
        return items

    with ThreadPoolExecutor(len(clients)) as threads:
        yield lambda items: sum(threads.map(lambda client: send(client, items), clients))
    for client in clients:
        client.close()


def test_all_processes_of_all_hosts_together_take_what_the_limit_says(
    store: Database, hosts: list[Service], acme: str
) -> None:
    """Judged by the store's clock: what was recorded was let in since the limit was set."""
    per_s, burst_s, at_once = 20, 5, 40
    keys = [new_key(store, acme) for _ in range(2)]
    limit(store, acme, items=per_s, burst_s=burst_s)
    began = store_time(store)

    def passed_s() -> float:
        return (store_time(store) - began).total_seconds()

    taken = 0
    with senders(hosts, keys) as send:
        while (more := send(5)) == at_once:
            taken += more
        taken, drained_at, drained_s = taken + more, taken + more, passed_s()
        last_s = drained_s
        while last_s < drained_s + 4:
            taken += send(5)
            last_s = passed_s()
    assert taken <= per_s * (burst_s + passed_s())
    # From then on all that came in was asked for at once: but for what went stale in a process, it was given.
    assert taken - drained_at >= 0.8 * per_s * (last_s - drained_s) - 2 * 5
    with connect(store.service_url) as connection:
        tenant_id = find_tenant(connection, acme).tenant_id
        assert head(connection, tenant_id) == taken


def test_a_key_has_its_own_limit_within_the_tenants(
    store: Database, hosts: list[Service], acme: str
) -> None:
    [own] = hosts[1:]
    limited_before = limited(own.url).get("items", 0)
    small, large, other = (new_key(store, acme) for _ in range(3))
    limit(store, acme, items=1, burst_s=3_600)
    limit(store, acme, key=small, items=1, burst_s=600)
    with own.client(small) as small_client, own.client(large) as client:
        assert counts(small_client.post(EVENTS, content=batch(590))) == (590, 0, 0)
        refused = small_client.post(EVENTS, content=batch(300))
        assert assert_problem(refused, "rate-limited")["violated_policies"] == ["key-items"]
        assert 280 <= int(refused.headers["retry-after"]) <= 300
        assert counts(client.post(EVENTS, content=batch(2_500))) == (2_500, 0, 0)
        refused = client.post(EVENTS, content=batch(1_000))
        assert assert_problem(refused, "rate-limited")["violated_policies"] == ["tenant-items"]
        for each in (small_client, client):
            assert each.post(EVENTS, content=batch(700)).status_code == 429
    own.new_tenant(f"neighbour-of-{acme}")
    with own.client(new_key(store, f"neighbour-of-{acme}")) as neighbour:
        answer = neighbour.post(EVENTS, content=batch(5_000))
        assert counts(answer) == (5_000, 0, 0)
        assert not [name for name in answer.headers if name.startswith("ratelimit")]
    with own.client(other) as client:
        assert client.post(EVENTS, content=batch(700)).status_code == 429
    assert limited(own.url)["items"] - limited_before == 5


def test_what_is_refused_is_not_recorded_and_passes_when_it_is_sent_again_as_told(
    store: Database, hosts: list[Service], acme: str
) -> None:
    key = new_key(store, acme)
    limit(store, acme, requests=50, items=100, size=100_000, burst_s=2)
    sent = batch(170)
    with hosts[1].client(key) as client:
        began = time.monotonic()
        answer = client.post(EVENTS, content=batch(150))
        assert counts(answer) == (150, 0, 0)
        assert answer.headers["ratelimit-policy"] == (
            '"tenant-requests";q=100;w=2, "tenant-items";q=200;qu="items";w=2,'
            ' "tenant-bytes";q=200000;qu="content-bytes";w=2'
        )
        left = re.findall(r'"([a-z-]+)";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert [name for name, _, _ in left] == ["tenant-requests", "tenant-items", "tenant-bytes"]
        # What was left, and what came in again until it was answered.
        assert [int(number) for _, number, _ in left][1] <= 51 + 100 * (time.monotonic() - began)
        refused = client.post(EVENTS, content=sent)
        while refused.status_code == 204:  # so long it took that as many had come in again
            sent = batch(170)
            refused = client.post(EVENTS, content=sent)
        problem = assert_problem(refused, "rate-limited")
        assert problem["violated_policies"] == ["tenant-items"]
        assert refused.headers["ratelimit-policy"] == answer.headers["ratelimit-policy"]
        wait_s = int(refused.headers["retry-after"])
        assert 1 <= wait_s <= 2
        time.sleep(wait_s)  # which is what is tested
        assert counts(client.post(EVENTS, content=sent)) == (170, 0, 0)


def test_a_batch_larger_than_the_burst_passes_once_and_is_paid_for(
    store: Database, hosts: list[Service], acme: str
) -> None:
    limit(store, acme, items=10, burst_s=10)
    with hosts[1].client(new_key(store, acme)) as client:
        assert counts(client.post(EVENTS, content=batch(5_000))) == (5_000, 0, 0)
        refused = client.post(EVENTS, content=batch(1))
        assert 400 <= int(refused.headers["retry-after"]) <= 500
        [(left, after_s)] = re.findall(
            r'"tenant-items";r=(\d+);t=(\d+)', refused.headers["ratelimit"]
        )
        assert left == "0"
        assert int(after_s) <= int(refused.headers["retry-after"])


@pytest.mark.parametrize("framing", ["chunks", "gzip"])
def test_bytes_are_paid_for_whatever_is_in_them(
    framing: str, store: Database, hosts: list[Service], acme: str
) -> None:
    limit(store, acme, size=100_000, burst_s=1)
    sent = b"{" * 2_000_000
    with hosts[1].client(new_key(store, acme)) as client:

        def post() -> httpx.Response:
            if framing == "gzip":
                gzipped = {"content-encoding": "gzip"}
                return client.post(EVENTS, content=gzip.compress(sent), headers=gzipped)
            return client.post(EVENTS, content=iter([sent]))

        assert_problem(post(), "malformed-body")
        refused = post()
        assert_problem(refused, "rate-limited")
        assert int(refused.headers["retry-after"]) > 10


def test_where_429_stands_among_the_other_checks(
    store: Database, hosts: list[Service], acme: str
) -> None:
    key = new_key(store, acme, "ingest")
    limit(store, acme, requests=1, items=1, size=200, burst_s=3_600)
    with hosts[1].client(key) as client:
        # What could never be taken is said, and costs no bytes: here and elsewhere.
        too_large = b" " * (16 * 1024 * 1024 + 1)
        assert_problem(client.post(EVENTS, content=too_large), "body-too-large")
        assert_problem(client.get("/api/v1/players"), "forbidden")
        invalid = body(*[login("")] * 2_000)
        assert_problem(client.post(EVENTS, content=invalid), "invalid-items")
        assert counts(client.post(EVENTS, content=batch(3_590))) == (3_590, 0, 0)
        # What is too many is said of valid items, and last of all.
        assert_problem(client.post(EVENTS, content=body(*[login("")] * 1_000)), "invalid-items")
        assert_problem(client.post(EVENTS, content=batch(1_000)), "rate-limited")
        # The bytes that are declared, before the type and before they are sent.
        with Wire(hosts[1].address) as wire:
            head = {"content-type": "text/plain", "content-length": "700000", "x-api-key": key}
            wire.request(f"POST {EVENTS}", head | {"expect": "100-continue"})
            answer = wire.answer()
            assert answer.status_code == 429
            assert answer.json()["violated_policies"] == ["tenant-bytes"]
        client.headers["content-type"] = "text/plain"
        assert_problem(client.post(EVENTS, content=b"x"), "unsupported-media-type")
        assert client.post(EVENTS, content=b"x", headers={"x-api-key": "rb_x"}).status_code == 403


def test_queries_and_streams_count_as_requests_and_a_change_holds_everywhere_soon(
    store: Database, hosts: list[Service], acme: str
) -> None:
    key = new_key(store, acme, "read", "audit")
    limit(store, acme, requests=1, burst_s=3)
    paths = ["/api/v1/players", "/api/v1/history", "/api/v1/status"]
    ndjson = {"accept": "application/x-ndjson"}

    def statuses(client: httpx.Client) -> set[int]:
        return {
            client.get(path, headers=ndjson if "hist" in path else {}).status_code
            for path in paths * 4
        }

    with hosts[0].client(key) as client, hosts[1].client(key) as other:
        assert statuses(client) == {200, 429}
        assert 429 in statuses(other)
        number = client.get("/api/v1/accesses").status_code
        assert number in {200, 429}
        eventually(lambda: hosts[0].answers("/health/ready"))
        limit(store, acme, requests=100_000)
        for each in (client, other):
            eventually(lambda: statuses(each) == {200})  # noqa: B023  # called at once
        limit(store, acme)
        for each in (client, other):
            eventually(lambda: "ratelimit" not in each.get(paths[0]).headers)  # noqa: B023
