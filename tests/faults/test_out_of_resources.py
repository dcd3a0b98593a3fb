"""No memory, no thread, no file is to be had: 503 until there is again, nothing lost, and no idle turning."""

import gzip
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
from bench.processes import cpu_s

from tests.databases import Database
from tests.faults.places import Account
from tests.faults.sending import EVENTS, Load, body_of, items_of, traffic, with_member
from tests.http.service import Service, eventually
from tests.processes import limit

Start = Callable[..., Service]

_MIB = 1 << 20
_AT_ONCE = 24


def address_space(pid: int) -> int:
    """How much of its address space a process uses."""
    [line] = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmSize:")
    ]
    return int(line.split()[1]) * 1024


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def requests() -> Iterator[Callable[[httpx.Client], httpx.Response]]:
    """Requests of each kind, which need threads, memory and connections."""
    items = items_of(7)
    # Of 10 MB, which no process has to spare that was short of room before.
    large = gzip.compress(
        body_of([with_member(next(items), "blob", "x" * 20_000) for _ in range(500)])
    )
    paths = ("balances", "rounds", "games", "players", "activity", "history", "facets", "status")
    while True:
        yield lambda client: client.post(
            EVENTS, content=large, headers={"content-encoding": "gzip"}
        )
        for path in paths:
            yield lambda client, path=path: client.get(f"/api/v1/{path}")  # type: ignore[misc]


def ask_at_once(service: Service, account: Account, *, times: int) -> Counter[int]:
    """Ask in many threads; count the statuses, 0 for a connection that broke."""
    headers = {"x-api-key": account.key, "content-type": "application/json"}
    every = requests()
    asked = [next(every) for _ in range(times)]

    def ask(send: Callable[[httpx.Client], httpx.Response]) -> int:
        try:
            answer = send(client)
        except httpx.TransportError:
            return 0
        if answer.status_code == 503:
            assert float(answer.headers["Retry-After"]) > 0
            assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    with (
        httpx.Client(base_url=service.url, headers=headers, timeout=60) as client,
        ThreadPoolExecutor(_AT_ONCE) as threads,
    ):
        return Counter(threads.map(ask, asked))


def test_without_memory_or_threads_requests_are_answered_503_and_nothing_is_lost(
    start: Start, shared: Database, account: Account
) -> None:
    service = start(database_url=shared.service_url, owner_url=shared.owner_url)
    [worker] = service.workers()
    for room_bytes in (2 * _MIB, 24 * _MIB):
        limit(worker, **{"as": address_space(worker) + room_bytes})
        statuses = ask_at_once(service, account, times=45)
        limit(worker, **{"as": "unlimited"})
        assert service.workers() == [worker]
        assert set(statuses) <= {0, 200, 204, 503}, statuses
        assert statuses[503], statuses
        eventually(lambda: service.answers("/health/ready"))
    # No turn, no lock and no connection was lost on the way.
    assert set(ask_at_once(service, account, times=45)) <= {200, 204}
    with Load() as load:
        load.add(service.url, account.key, traffic(1))
        load.goes_on(10)


def test_who_comes_when_files_run_short_is_told_so(
    start: Start, shared: Database, account: Account
) -> None:
    service = start(database_url=shared.service_url, owner_url=shared.owner_url)
    [worker] = service.workers()
    with ExitStack() as opened, service.client(account.key) as before:
        assert before.get("/api/v1/status").status_code == 200
        limit(worker, nofile=open_files(worker) + 40)

        def asked(path: str) -> int:
            client = opened.enter_context(service.client(account.key))
            answer = client.get(path)
            if answer.status_code == 503:
                assert answer.headers["Retry-After"]
                assert answer.headers["connection"] == "close"
                assert answer.json()["type"].endswith("out-of-resources")
            return answer.status_code

        def is_told() -> bool:
            # A connection on which nothing is asked for five seconds is ended.
            assert before.get("/api/v1/status").status_code == 200
            return 503 in {asked("/api/v1/status") for _ in range(4)}

        # The limit is looked at once a second.
        eventually(is_told)
        assert before.get("/api/v1/status").status_code == 200
        assert asked("/health/live") == 200
        # Nobody is broken off. There is room again whenever one of the others was idle for long.
        assert {asked("/api/v1/status") for _ in range(60)} <= {200, 503}
    eventually(lambda: service.answers("/health/ready"))
    with service.client(account.key) as after:
        eventually(lambda: after.get("/api/v1/status").status_code == 200)


def test_without_files_nothing_turns_in_vain_and_who_is_connected_is_answered(
    start: Start, shared: Database, account: Account
) -> None:
    service = start(database_url=shared.service_url, owner_url=shared.owner_url)
    [worker] = service.workers()
    with ExitStack() as opened, service.client(account.key) as before:
        assert before.get("/api/v1/status").status_code == 200
        limit(worker, nofile=open_files(worker) + 5)
        waiting = [
            opened.enter_context(socket.create_connection(service.address, timeout=60))
            for _ in range(40)
        ]
        for each in waiting:
            each.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
        eventually(lambda: open_files(worker) >= 5)
        began_s = cpu_s([worker])
        for _ in range(20):
            assert before.get("/api/v1/status").status_code in {200, 503}
            time.sleep(0.1)  # it is what happens in some seconds that counts
        ended_s = cpu_s([worker])
        assert began_s is not None
        assert ended_s is not None
        assert ended_s - began_s < 1
    limit(worker, nofile=4096)
    eventually(lambda: service.answers("/health/ready"))
    assert service.workers() == [worker]
