"""Reads whose caller leaves: what waits never begins, what runs is ended, and the connection is whole."""

import asyncio
import threading
from collections.abc import Iterator

import psycopg
import pytest

from api.http.leaving import NO_MORE_COMES, ClientLeftError, WhileClientStays
from api.querying.reads import Reads
from api.querying.turns import Lane
from postgres.connections import Pool, open_pool

LANE = Lane(1, "query")


@pytest.fixture
def reads() -> Iterator[Reads]:
    """One thread, in which a read has a minute."""
    made = Reads(threads=1, most_waiting=10, unsent_limit_bytes=10, timeout_s=60)
    yield made
    made.close()


@pytest.fixture
def one(database_url: str) -> Iterator[Pool]:
    """The one connection that all reads use."""
    with open_pool(database_url, max_size=1) as pool:
        yield pool


def test_a_read_that_runs_is_ended_in_postgres_and_its_connection_goes_on(
    reads: Reads, one: Pool
) -> None:
    began = threading.Event()

    def sleep() -> None:
        with one.connection() as connection:
            connection.execute("begin")
            began.set()
            connection.execute("select pg_sleep(3600)")

    def look() -> object:
        with one.connection() as connection:
            return connection.execute("select 42").fetchone()

    async def scenario() -> object:
        for _ in range(5):
            began.clear()
            running = asyncio.create_task(reads.run(LANE, 1, sleep))
            await asyncio.to_thread(began.wait)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        return await reads.run(LANE, 1, look)

    assert asyncio.run(scenario()) == (42,)


def test_a_read_that_waits_never_begins(reads: Reads) -> None:
    may_end, ran = threading.Event(), []

    async def scenario() -> None:
        first = asyncio.create_task(reads.run(LANE, 1, may_end.wait))
        waiting = [
            asyncio.create_task(reads.run(LANE, key_id, lambda: ran.append("left")))
            for key_id in (1, 2)
        ]
        last = asyncio.create_task(reads.run(LANE, 1, lambda: ran.append("stayed")))
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        may_end.set()
        await asyncio.gather(first, last)

    asyncio.run(scenario())
    assert ran == ["stayed"]


def test_what_was_cancelled_by_the_operator_is_not_called_slow(reads: Reads, one: Pool) -> None:
    def cancel_itself() -> None:
        with one.connection() as connection:
            connection.execute("select pg_cancel_backend(pg_backend_pid())")

    with pytest.raises(psycopg.errors.QueryCanceled):
        asyncio.run(reads.run(LANE, 1, cancel_itself))


def test_what_is_not_sent_is_read_no_more_of(reads: Reads) -> None:
    stream, order = Lane(1, "stream"), []

    async def scenario() -> None:
        with reads.unsent(stream, 10):
            piece = asyncio.create_task(reads.run(stream, 1, lambda: order.append("piece")))
            await reads.run(LANE, 1, lambda: order.append("query"))
        await piece

    asyncio.run(scenario())
    assert order == ["query", "piece"]


def test_a_client_that_closed_its_side_is_taken_to_be_gone_after_a_while() -> None:
    async def receive() -> object:
        return await asyncio.Event().wait()

    async def wait(state: dict[str, bool]) -> None:
        scope: object = {"state": state}
        async with WhileClientStays(scope, receive):  # type: ignore[arg-type]
            await asyncio.sleep(3600)

    with pytest.raises(ClientLeftError):
        asyncio.run(wait({NO_MORE_COMES: True}))
    # Somebody else's cancellation stays what it is.
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(wait({}), 0.1))
