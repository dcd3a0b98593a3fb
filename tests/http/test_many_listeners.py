"""Many listeners to one log: an event is read and written out once for all, and each hears its own."""

import json
import random
import re
import selectors
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
from bench.processes import cpu_s

from tests.http.service import Service
from tests.http.wire import EVENTS, body, counts, deposit, login
from tests.processes import command_of, descendants

HISTORY = "/api/v1/history"
EVENTS_SENT = 40
LISTENERS = 300
KEYS = 2
A_DELIVERY_S = 0.000_1
"""Of the worker's processor time. It took three times as much when each listener had a task at work."""

_TIMEOUT_S = 60
_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)


class Listener:
    """A listener on a socket of its own, which may take nothing for a while."""

    def __init__(
        self, service: Service, key: str, query: Mapping[str, Any], *, receive_bytes: int = 0
    ) -> None:
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(_TIMEOUT_S)
        self.socket.connect(service.address)
        head = (
            f"GET {HISTORY}?{urlencode(query)} HTTP/1.0\r\nx-api-key: {key}\r\n"
            "accept: text/event-stream\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        self.received = b""
        while b"\r\n\r\n:\n\n" not in self.received:
            self.take()
        assert b" 200 " in self.received.partition(b"\r\n")[0]

    def take(self) -> None:
        """Take what has come, or wait for something."""
        received = self.socket.recv(65_536)
        assert received
        self.received += received

    @property
    def last(self) -> int:
        """The id of the last event, 0 while that is not whole."""
        start = self.received.rfind(b"\nid: ")
        if start < 0 or not self.received.endswith(b"\n\n"):
            return 0
        return int(self.received[start + 5 :].partition(b"\n")[0])

    @property
    def ids(self) -> list[int]:
        return [int(each) for each in _ID.findall(self.received)]

    @property
    def entries(self) -> list[Any]:
        data = re.findall(rb"^data: (.*)\n\n", self.received, re.MULTILINE)
        return [json.loads(each) for each in data]


@contextmanager
def listening(
    service: Service, key_and_queries: Sequence[tuple[str, Mapping[str, Any]]]
) -> Iterator[list[Listener]]:
    with ExitStack() as at_end:
        listeners = []
        for key, query in key_and_queries:
            listener = Listener(service, key, query)
            at_end.callback(listener.socket.close)
            listeners.append(listener)
        yield listeners


def take_until(listeners: Sequence[Listener], last: Sequence[int]) -> None:
    """Take what comes until each listener has heard of its last event."""
    with selectors.DefaultSelector() as poll:
        waiting = set()
        for number, listener in enumerate(listeners):
            if last[number] and listener.last < last[number]:
                poll.register(listener.socket, selectors.EVENT_READ, number)
                waiting.add(number)
        while waiting:
            ready = poll.select(timeout=_TIMEOUT_S)
            assert ready, f"{len(waiting)} listeners wait for ever"
            for each, _ in ready:
                listener = listeners[each.data]
                listener.take()
                if listener.last >= last[each.data]:
                    waiting.remove(each.data)
                    poll.unregister(listener.socket)


def worker_cpu_s(service: Service) -> float:
    workers = [pid for pid in descendants(service.pid) if "api.process.worker" in command_of(pid)]
    used_s = cpu_s(workers)
    assert used_s is not None
    return used_s


def test_an_event_costs_little_however_many_listen(
    service: Service, tenant_name: str, key: str, client: httpx.Client
) -> None:
    keys = [key, *(service.new_key(tenant_name, "audit") for _ in range(KEYS - 1))]
    asked: list[tuple[str, dict[str, str]]]
    asked = [(keys[number % KEYS], {}) for number in range(LISTENERS)]
    with listening(service, asked) as listeners:
        before_s = worker_cpu_s(service)
        for number in range(1, EVENTS_SENT + 1):
            assert counts(client.post(EVENTS, content=body(login(f"{number}")))) == (1, 0, 0)
            take_until(listeners, [number] * LISTENERS)
        used_s = worker_cpu_s(service) - before_s
        for each in listeners:
            assert each.ids == list(range(1, EVENTS_SENT + 1))
    assert used_s < LISTENERS * EVENTS_SENT * A_DELIVERY_S


def test_each_hears_what_its_filters_let_through_and_no_more(
    service: Service, key: str, client: httpx.Client
) -> None:
    queries: list[dict[str, Any]] = [
        *({"player_id": f"p{number}"} for number in range(6)),
        *({"event": event} for event in ("login", "deposit")),
        *({"event": "deposit", "player_id": f"p{number}"} for number in range(3)),
        *({"from_position": 7}, {"from_position": 5, "to_position": 20}),
        *({"from": "2025-01-15T12:00:00Z"}, {"to": "2025-01-15T12:00:00Z"}, {}),
    ]
    with listening(service, [(key, query) for query in queries for _ in range(2)]) as listeners:
        batches = [1, 1, 3, 1, 20, 1, 300, 1, 2, 1]
        for batch, size in enumerate(batches):
            items = []
            for number in range(size):
                made = deposit if (batch + number) % 3 else login
                items.append(made(f"{batch} {number}", player_id=f"p{(batch + number) % 7}"))
            assert counts(client.post(EVENTS, content=body(*items))) == (size, 0, 0)
        recorded = [
            client.get(HISTORY, params={**query, "limit": 1_000}).json()["items"]
            for query in queries
            for _ in range(2)
        ]
        take_until(listeners, [each[-1]["position"] if each else 0 for each in recorded])
        assert [each.entries for each in listeners] == recorded


def test_who_comes_amid_events_hears_each_once(
    service: Service, key: str, client: httpx.Client
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    sizes = [chance.choice([1, 1, 1, 2, 5]) for _ in range(150)]

    def write() -> None:
        with service.client(key) as writer:
            for batch, size in enumerate(sizes):
                items = [
                    login(f"{batch} {each}", player_id=f"p{(batch + each) % 3}")
                    for each in range(size)
                ]
                assert writer.post(EVENTS, content=body(*items)).status_code == 204

    choices: list[dict[str, Any]] = [{}, {}, *({"player_id": f"p{n}"} for n in range(3))]
    queries = [{}, *(chance.choice(choices) for _ in range(80))]
    with ExitStack() as at_end:
        listeners = []
        writing = threading.Thread(target=write)
        writing.start()
        try:
            for query in queries:
                listener = Listener(service, key, query)
                at_end.callback(listener.socket.close)
                listeners.append(listener)
                # One after the other, as the log grows.
                take_until(listeners[:1], [min(listeners[0].last + 1, sum(sizes))])
        finally:
            writing.join()
        recorded = {
            str(query): client.get(HISTORY, params={**query, "limit": 1_000}).json()["items"]
            for query in choices
        }
        take_until(listeners, [recorded[str(query)][-1]["position"] for query in queries])
        for query, listener in zip(queries, listeners, strict=True):
            assert listener.entries == recorded[str(query)], f"seed {seed}"


def test_who_takes_nothing_for_a_while_misses_nothing_and_holds_up_nobody(
    service: Service, key: str, client: httpx.Client
) -> None:
    many, filler = 60, "x" * 20_000
    slow = Listener(service, key, {}, receive_bytes=4_096)
    with listening(service, [(key, {})]) as [quick]:
        for number in range(1, many + 1):
            client.post(EVENTS, content=body(login(f"{number}", note=filler)))
            take_until([quick], [number])
        take_until([slow], [many])
        assert slow.ids == quick.ids == list(range(1, many + 1))
        assert slow.entries == quick.entries
    slow.socket.close()
