"""History as server-sent events: what is recorded, then what will be, resumable at every position."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest

from app.tenants import find_tenant, list_keys, revoke_key
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import Service, on
from tests.http.wire import EVENTS, body, deposit, login, new_key

HISTORY = "/api/v1/history"


@contextmanager
def listening(
    client: httpx.Client, *, after: int | None = None, **filters: Any
) -> Iterator[Iterator[tuple[int, dict[str, Any]]]]:
    """Listen; gives each event's id and entry as they come."""
    headers = {"accept": "text/event-stream"}
    if after is not None:
        headers["last-event-id"] = str(after)
    with client.stream("GET", HISTORY, params=filters, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[tuple[int, dict[str, Any]]]:
    position = 0
    for line in answer.iter_lines():
        if line.startswith("id: "):
            position = int(line.removeprefix("id: "))
        elif line.startswith("data: "):
            yield position, json.loads(line.removeprefix("data: "))
        else:
            assert line in {"", ":"}


def test_a_listener_gets_what_is_recorded_and_then_what_will_be(client: httpx.Client) -> None:
    client.post(EVENTS, content=body(login("a"), login("b")))
    with listening(client) as events:
        seen = [next(events), next(events)]
        client.post(EVENTS, content=body(deposit("c", amount=1.5)))
        seen.append(next(events))
    assert [position for position, _ in seen] == [1, 2, 3]
    assert [entry["position"] for _, entry in seen] == [1, 2, 3]
    assert [entry["data"]["unique_id"] for _, entry in seen] == ["a", "b", "c"]


def test_the_entries_are_those_of_the_other_forms(client: httpx.Client) -> None:
    client.post(EVENTS, content=body(login("a"), deposit("b")))
    pages = client.get(HISTORY, headers={"accept": "application/json"}).json()["items"]
    with listening(client) as events:
        assert [next(events)[1], next(events)[1]] == pages


def test_filters_hold_for_what_comes_later_too(client: httpx.Client) -> None:
    client.post(EVENTS, content=body(login("a"), deposit("b")))
    with listening(client, event="deposit") as events:
        assert next(events)[0] == 2
        client.post(EVENTS, content=body(login("c"), deposit("d", player_id="q")))
        assert next(events)[0] == 4


def test_a_stream_with_a_last_position_ends_there(client: httpx.Client) -> None:
    client.post(EVENTS, content=body(login("a"), login("b"), login("c")))
    with listening(client, to_position=2) as events:
        assert [position for position, _ in events] == [1, 2]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30])
def test_a_last_event_id_that_is_no_position_is_422(last: str, client: httpx.Client) -> None:
    headers = {"accept": "text/event-stream", "last-event-id": last}
    answer = client.get(HISTORY, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "Last-Event-ID"


def test_a_listener_that_reconnects_at_random_sees_every_position_once(
    service: Service, key: str, client: httpx.Client
) -> None:
    total, seed = 400, random.randrange(2**32)
    chance = random.Random(seed)

    def write() -> None:
        with service.client(key) as writer:
            sent = 0
            while sent < total:
                size = min(chance.randint(1, 20), total - sent)
                items = (login(f"e{sent + each}") for each in range(size))
                assert writer.post(EVENTS, content=body(*items)).status_code == 204
                sent += size

    seen: list[int] = []
    writing = threading.Thread(target=write)
    writing.start()
    readings = random.Random(seed + 1)
    while len(seen) < total:
        with listening(client, after=seen[-1] if seen else None) as events:
            some = min(readings.randint(1, 60), total - len(seen))
            seen += [position for position, _ in islice(events, some)]
    writing.join()
    assert seen == list(range(1, total + 1)), f"seed {seed}"


def test_a_revoked_key_ends_its_stream(
    service: Service, served: Database, tenant_name: str, client: httpx.Client
) -> None:
    client.post(EVENTS, content=body(login("a")))
    listener = new_key(served, tenant_name, "audit")
    with service.client(listener) as listening_client, listening(listening_client) as events:
        assert next(events)[0] == 1
        with connect(served.service_url) as connection:
            revoke_key(
                connection, list_keys(connection, find_tenant(connection, tenant_name))[-1].key_id
            )
        with pytest.raises((StopIteration, httpx.RemoteProtocolError)):
            next(events)


def test_many_idle_listeners_hold_up_neither_queries_nor_writers(
    service: Service, key: str, client: httpx.Client
) -> None:
    many = 200
    limits = httpx.Limits(max_connections=many)
    with httpx.Client(
        base_url=service.url, headers={"x-api-key": key}, timeout=60, limits=limits
    ) as listeners:
        streams = [listening(listeners) for _ in range(many)]
        opened = [stream.__enter__() for stream in streams]
        assert client.post(EVENTS, content=body(login("a"))).status_code == 204
        assert client.get("/api/v1/players", params={"at_least": 1}).status_code == 200
        assert {next(events)[0] for events in opened} == {1}
        for stream in streams:
            stream.__exit__(None, None, None)


def test_listeners_do_not_hold_up_the_end_of_the_service(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    own = start(settings=on(fresh_database))
    own.new_tenant("t")
    with own.client(own.new_key("t", "ingest", "audit")) as client:
        client.post(EVENTS, content=body(login("a")))
        with listening(client) as events:
            assert next(events)[0] == 1
            began = time.monotonic()
            own.stop()
            assert list(events) == []
    # Ten seconds before the service would have given up on them.
    assert time.monotonic() - began < 20
