"""Concurrent small batches of one tenant share a transaction, and none is harmed by it."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from traceback import clear_frames
from typing import Any

import psycopg
import pytest

from app.intake import group_commit as group_module
from app.intake.group_commit import GroupCommit
from app.recording import KeyCollisionError, Prepared, Recorded, commit, prepare
from app.recording.prepare import merge
from app.tenants import Tenant
from app.wire.items import decode_batch
from postgres.connections import Pool, open_pool


def batch(*unique_ids: str, player: str = "p", second: int = 0) -> Prepared:
    items = ",".join(
        f'{{"event":"login","data":{{"unique_id":"{unique_id}","player_id":"{player}",'
        f'"timestamp":"2025-01-15T12:00:{second:02}Z"}}}}'
        for unique_id in unique_ids
    )
    body = f'{{"items":[{items}]}}'.encode()
    return prepare(decode_batch(body, currencies=frozenset(), now=datetime.now(UTC)))


def outcomes(recorded: Recorded) -> list[tuple[str, str, int]]:
    columns = zip(recorded.unique_ids, recorded.outcomes, recorded.positions, strict=True)
    return list(columns)


@contextmanager
def held_up(pool: Pool, tenant: Tenant) -> Iterator[None]:
    """Hold the tenant's log, so that whoever comes meanwhile has to wait."""
    with pool.connection() as connection, connection.transaction():
        connection.execute("select 1 from lock_log(%s)", [tenant.tenant_id])
        yield


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of items of each transaction that was tried."""
    sizes: list[int] = []

    def counting(*arguments: object) -> Recorded:
        prepared = arguments[2]
        assert isinstance(prepared, Prepared)
        sizes.append(len(prepared.keys))
        return commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(group_module, "commit", counting)
    return sizes


def test_what_arrives_during_a_commit_goes_together_in_the_next(
    pool: Pool, tenant: Tenant, commits: list[int]
) -> None:
    async def scenario() -> list[Recorded]:
        writer = GroupCommit(pool, threads=4)
        with held_up(pool, tenant):
            first = asyncio.create_task(writer.record(tenant.tenant_id, batch("a")))
            await asyncio.sleep(0.1)
            others = [
                asyncio.create_task(writer.record(tenant.tenant_id, batch(*ids)))
                for ids in (("b", "c"), ("d",), ("a", "e"))
            ]
            await asyncio.sleep(0.1)
        return await asyncio.gather(first, *others)

    answers = asyncio.run(scenario())

    assert commits == [1, 5]
    assert [outcomes(recorded) for recorded in answers] == [
        [("a", "stored", 1)],
        [("b", "stored", 2), ("c", "stored", 3)],
        [("d", "stored", 4)],
        [("a", "duplicate", 1), ("e", "stored", 5)],
    ]
    assert [
        (r.count("stored"), r.count("duplicate"), r.count("conflict")) for r in answers
    ] == [
        (1, 0, 0), (2, 0, 0), (1, 0, 0), (1, 1, 0),
    ]  # fmt: skip


def test_who_reports_a_failure_and_lets_go_of_it_ends_nobody_elses_commit(
    pool: Pool, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def failing_once(*arguments: object) -> Recorded:
        if not go_on.is_set():
            assert go_on.wait(60)
            raise psycopg.OperationalError("the store is gone")
        return commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(group_module, "commit", failing_once)

    async def report(writer: GroupCommit) -> None:
        try:
            await writer.record(tenant.tenant_id, batch("a"))
        except psycopg.OperationalError as error:
            clear_frames(error.__traceback__)
            raise

    async def scenario() -> Recorded:
        writer = GroupCommit(pool, threads=4)
        with held_up(pool, tenant):
            failing = asyncio.create_task(report(writer))
            await asyncio.sleep(0.1)
            second = asyncio.create_task(writer.record(tenant.tenant_id, batch("b")))
            await asyncio.sleep(0.1)
            go_on.set()
            with pytest.raises(psycopg.OperationalError):
                await failing
        return await second

    assert outcomes(asyncio.run(scenario())) == [("b", "stored", 1)]


def test_who_waits_behind_a_batch_that_waited_in_vain_does_not_wait_once_more(
    database_url: str, pool: Pool, tenant: Tenant, commits: list[int]
) -> None:
    async def scenario(impatient: Pool) -> Sequence[Recorded | BaseException]:
        writer = GroupCommit(impatient, threads=4)
        with held_up(pool, tenant):
            first = asyncio.create_task(writer.record(tenant.tenant_id, batch("a")))
            await asyncio.sleep(0.1)
            second = asyncio.create_task(writer.record(tenant.tenant_id, batch("b")))
            refused = await asyncio.gather(first, second, return_exceptions=True)
        assert commits == [1]
        await writer.record(tenant.tenant_id, batch("a", "b"))
        return refused

    with open_pool(database_url, max_size=2, lock_timeout_s=5) as impatient:
        refused = asyncio.run(scenario(impatient))
    assert [type(error) for error in refused] == [psycopg.errors.LockNotAvailable] * 2


def test_tenants_whose_logs_are_held_leave_their_threads_to_others_meanwhile(
    database_url: str, pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    held, free = [new_tenant(), new_tenant()], new_tenant()

    async def scenario(impatient: Pool) -> list[Recorded]:
        writer = GroupCommit(impatient, threads=2, patience_s=60)
        with held_up(pool, held[0]), held_up(pool, held[1]):
            waiting = [
                asyncio.create_task(writer.record(tenant.tenant_id, batch("a"))) for tenant in held
            ]
            await asyncio.sleep(0.1)
            await writer.record(free.tenant_id, batch("a"))
            assert not any(task.done() for task in waiting)
        return await asyncio.gather(*waiting)

    with open_pool(database_url, max_size=2, lock_timeout_s=0.2) as impatient:
        answers = asyncio.run(scenario(impatient))
    assert [outcomes(recorded) for recorded in answers] == [[("a", "stored", 1)]] * 2


def test_a_batch_alone_is_committed_at_once(pool: Pool, tenant: Tenant, commits: list[int]) -> None:
    async def scenario() -> None:
        writer = GroupCommit(pool, threads=4)
        await writer.record(tenant.tenant_id, batch("a"))
        await writer.record(tenant.tenant_id, batch("b"))

    asyncio.run(scenario())

    assert commits == [1, 1]


def test_a_batch_that_cannot_be_recorded_does_not_harm_those_it_shares_with(
    pool: Pool, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(pool: Pool, tenant_id: int, prepared: Prepared, *more: Any) -> Recorded:
        if "bad" in prepared.unique_ids:
            raise KeyCollisionError
        return commit(pool, tenant_id, prepared, *more)

    monkeypatch.setattr(group_module, "commit", failing)

    async def scenario() -> list[Recorded | BaseException]:
        writer = GroupCommit(pool, threads=4)
        with held_up(pool, tenant):
            first = asyncio.create_task(writer.record(tenant.tenant_id, batch("a")))
            await asyncio.sleep(0.1)
            others = [
                asyncio.create_task(writer.record(tenant.tenant_id, batch(unique_id)))
                for unique_id in ("b", "bad", "c")
            ]
            await asyncio.sleep(0.1)
        return await asyncio.gather(first, *others, return_exceptions=True)

    a, b, bad, c = asyncio.run(scenario())

    assert isinstance(bad, KeyCollisionError)
    assert [outcomes(r) for r in (a, b, c) if isinstance(r, Recorded)] == [
        [("a", "stored", 1)],
        [("b", "stored", 2)],
        [("c", "stored", 3)],
    ]


def test_a_client_that_goes_away_takes_nothing_back(pool: Pool, tenant: Tenant) -> None:
    async def scenario() -> Recorded:
        writer = GroupCommit(pool, threads=4)
        with held_up(pool, tenant):
            gone = asyncio.create_task(writer.record(tenant.tenant_id, batch("a")))
            await asyncio.sleep(0.1)
            gone.cancel()
            later = asyncio.create_task(writer.record(tenant.tenant_id, batch("a", "b")))
            await asyncio.sleep(0.05)
        return await later

    assert outcomes(asyncio.run(scenario())) == [("a", "duplicate", 1), ("b", "stored", 2)]


def test_another_tenant_does_not_wait(
    pool: Pool, tenant: Tenant, new_tenant: Callable[..., Tenant]
) -> None:
    other = new_tenant()

    async def scenario() -> Recorded:
        writer = GroupCommit(pool, threads=4)
        with held_up(pool, tenant):
            waiting = asyncio.create_task(writer.record(tenant.tenant_id, batch("a")))
            receipt = await writer.record(other.tenant_id, batch("a"))
            assert not waiting.done()
        await waiting
        return receipt

    assert outcomes(asyncio.run(scenario())) == [("a", "stored", 1)]


def test_merged_batches_are_one_behind_the_other() -> None:
    parts = [batch("a", "b"), batch("b", "c", second=1)]
    merged = merge(parts)

    assert merged.unique_ids == ["a", "b", "b", "c"]
    assert merged.size_bytes == sum(part.size_bytes for part in parts)
    assert [merged.state(at) for at in range(4)] == [
        part.state(at) for part in parts for at in range(2)
    ]
    assert b":01Z" in merged.state(2)


def test_large_batches_that_wait_are_not_all_one_group(
    pool: Pool, tenant: Tenant, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_module, "_MOST_BYTES", 2 * batch("bb").size_bytes)

    async def scenario() -> None:
        writer = GroupCommit(pool, threads=4)
        with held_up(pool, tenant):
            tasks = []
            for unique_id in ("aa", "bb", "cc", "dd"):
                tasks.append(asyncio.create_task(writer.record(tenant.tenant_id, batch(unique_id))))
                await asyncio.sleep(0.1)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())

    assert commits == [1, 2, 1]


def test_two_writers_that_remember_heads_keep_versions_contiguous(
    pool: Pool, tenant: Tenant
) -> None:
    """Each process remembers; what the others wrote must not be overlooked."""

    def write(name: str) -> None:
        async def scenario() -> None:
            writer = GroupCommit(pool, threads=1)
            for number in range(20):
                ids = [f"{name}-{number}-{i}" for i in range(3)]
                await writer.record(tenant.tenant_id, batch(*ids, player=f"p{number % 3}"))

        asyncio.run(scenario())

    threads = [threading.Thread(target=write, args=[name]) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with pool.connection() as connection:
        rows = connection.execute(
            "select stream, array_agg(version order by position) from events"
            " where tenant_id = %s group by stream",
            [tenant.tenant_id],
        ).fetchall()
    assert sum(len(versions) for _, versions in rows) == 3 * 20 * 3
    for _, versions in rows:
        assert versions == list(range(1, len(versions) + 1))
