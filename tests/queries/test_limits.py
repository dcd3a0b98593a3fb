"""What one tenant or key may have at once, how long a query may take, and what listeners share."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from api.asgi import create_app
from api.http.auth import KeyRing
from app.log.history_lines import read_lines
from app.settings import Settings
from app.tenants import Tenant, create_key
from postgres.connections import Pool
from tests.databases import Database
from tests.http.service import eventually
from tests.queries.asgi import Answer, Api, running, scope_of
from tests.queries.casino import Casino, deposit, open_casino
from tests.queries.ndjson import NDJSON

LIVE = {"accept": "text/event-stream"}


@pytest.fixture(scope="module")
def limited(database_url: str) -> Iterator[Api]:
    """An application with low limits."""
    settings = Settings(
        query_timeout_s=2,
        max_waiting_queries=4,
        max_streams_per_key=2,
        max_streams_per_tenant=3,
    )
    with running(create_app(settings, database_url)) as served:
        yield served


@pytest.fixture
def casino(
    limited: Api, pool: Pool, database_url: str, new_tenant: Callable[..., Tenant]
) -> Casino:
    """A tenant of that application, with an event in its log."""
    opened = open_casino(limited, pool, database_url, new_tenant())
    opened.fill([deposit()])
    return opened


@contextmanager
def standing_still(database: Database, table: str) -> Iterator[None]:
    """Let every query of a table wait in PostgreSQL until the block ends."""
    with psycopg.connect(database.owner_url) as holder:
        holder.execute(f"lock table roundbook.{table} in access exclusive mode".encode())
        yield


def another_key(casino: Casino) -> str:
    with casino.pool.connection() as connection:
        return create_key(connection, casino.tenant, ("read", "audit")).key


def assert_refused(answer: Answer, name: str) -> None:
    assert answer.status == 429
    assert answer.json["type"] == f"urn:roundbook:problem:{name}"
    assert int(answer.headers["retry-after"]) >= 1


def test_a_query_that_takes_too_long_is_ended_and_says_what_to_do(
    casino: Casino, database: Database
) -> None:
    with standing_still(database, "activity"):
        answer = casino.get("activity")
        assert casino.get("balances").status == 200
    assert answer.status == 503
    assert answer.json["type"] == "urn:roundbook:problem:query-too-slow"
    assert "2 s" in answer.json["detail"]
    assert "narrow it" in answer.json["detail"]
    assert answer.headers["retry-after"] == "2"
    for _ in range(6):
        assert casino.get("activity").status == 200


def test_the_past_is_looked_up_within_the_same_limit(casino: Casino, database: Database) -> None:
    with standing_still(database, "balance_periods"):
        answer = casino.get("balances", player_id="p", as_of="2025-01-15T13:00:00Z")
    assert answer.json["type"] == "urn:roundbook:problem:query-too-slow"
    answer = casino.get("balances", player_id="p", as_of="2025-01-15T13:00:00Z")
    assert len(answer.json["items"]) == 1


def test_more_queries_of_a_key_or_a_tenant_than_may_wait_are_refused(
    casino: Casino, database: Database
) -> None:
    keys = [casino.key, another_key(casino), another_key(casino)]

    async def ask_much() -> list[Answer]:
        # Three run; of a key two may wait, of the tenant four.
        async with asyncio.TaskGroup() as group:
            asked = []
            for key in [casino.key] * 5 + [keys[1]] * 2 + [keys[0], keys[2]]:
                asked.append(group.create_task(casino.api.ask("/api/v1/activity", key)))
                await asyncio.sleep(0)
            return [await each for each in asked]

    for key in keys:  # they are remembered from now on
        assert casino.api.get("/api/v1/balances", key).status == 200
    with standing_still(database, "activity"):
        answers = casino.api.portal.call(ask_much)
    for answer in answers[-2:]:
        assert_refused(answer, "too-many-queries")
    assert {each.json["type"].rpartition(":")[2] for each in answers[:-2]} == {"query-too-slow"}
    assert casino.get("activity").status == 200


def test_streams_of_a_key_and_of_a_tenant_are_counted(casino: Casino) -> None:
    keys = [casino.key, another_key(casino)]

    async def open_streams() -> None:
        async with asyncio.TaskGroup() as group:
            # Key by key: NDJSON and server-sent events are streams alike, and each stays open.
            opened, held = [], asyncio.Event()
            for key, headers in ((keys[0], LIVE), (keys[0], NDJSON), (keys[1], LIVE)):
                begun = asyncio.Event()
                opened.append(
                    group.create_task(stay(casino.api, key, headers, begun=begun, until_set=held))
                )
                await begun.wait()
            for key in keys:
                for headers in (LIVE, NDJSON):
                    answer = await casino.api.ask("/api/v1/history", key, headers=headers)
                    assert_refused(answer, "too-many-streams")
                answer = await casino.api.ask("/api/v1/evidence/bundle", key)
                assert_refused(answer, "too-many-streams")
                assert (await casino.api.ask("/api/v1/history", key)).status == 200
            held.set()

    casino.api.portal.call(open_streams)
    assert casino.get("history", headers=NDJSON).status == 200
    assert casino.get("evidence/bundle").status == 404  # nothing is sealed


async def stay(
    api: Api,
    key: str,
    headers: dict[str, str],
    *,
    begun: asyncio.Event,
    until_set: asyncio.Event,
) -> None:
    """Open a stream, take its first piece only when told, and leave then."""

    async def receive() -> Any:
        await until_set.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        begun.set()
        if message["type"] == "http.response.body":
            await until_set.wait()

    fields = {"host": "test", "x-api-key": key, **headers}
    await api.app(scope_of("/api/v1/history", fields), receive, send)


def test_listeners_at_the_same_place_read_a_new_event_once(
    api: Api,
    pool: Pool,
    database_url: str,
    new_tenant: Callable[..., Tenant],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    casino = open_casino(api, pool, database_url, new_tenant())
    casino.send([deposit()])
    listeners, commented, read = 60, [], []

    def counted(*args: Any, after: int, until: int, **named: Any) -> Any:
        if until > after:
            read.append(after)
        return read_lines(*args, after=after, until=until, **named)

    def between(pieces: int) -> None:
        if pieces == 1:
            commented.append(pieces)

    async def listen() -> list[Answer]:
        headers = LIVE | {"last-event-id": "1"}
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(api.ask("/api/v1/history", casino.key, "", headers, 2, between))
                for _ in range(listeners)
            ]
            await asyncio.to_thread(eventually, lambda: len(commented) == listeners)
            await asyncio.to_thread(casino.send, [deposit()])
        return [each.result() for each in asked]

    monkeypatch.setattr("api.querying.history_streams.read_lines", counted)
    answers = api.portal.call(listen)
    assert all(each.body.startswith(b":\n\nid: 2\n") for each in answers)
    # One reads for all who wait by then; who begins to wait only then reads for itself.
    assert len(read) < listeners / 2


def test_requests_with_one_key_look_it_up_once(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = another_key(casino)
    looked_up = []
    look_up = KeyRing.look_up

    def counted(ring: KeyRing, text: str) -> Any:
        looked_up.append(text)
        return look_up(ring, text)

    async def ask() -> list[Answer]:
        asked = [casino.api.ask("/api/v1/status", key) for _ in range(2)]
        return list(await asyncio.gather(*asked))

    monkeypatch.setattr(KeyRing, "look_up", counted)
    assert {each.status for each in casino.api.portal.call(ask)} == {200}
    assert looked_up == [key]
