"""Many writers of one tenant, in threads and in processes, and readers beside them."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Any

import psycopg
import pytest
from msgspec.structs import asdict

from app.log.recorder import TenantLog
from app.log.statements import SQL
from app.recording import record
from app.tenants import Tenant
from postgres.connections import Pool, connect, open_pool
from tests.recording.sending import (
    assert_gapless,
    decoded,
    login,
    logins,
    send,
    stored_events,
)
from tests.recording.writers import Task, write
from tests.strategies import NOW, WireItem, body
from tests.waiting import waiting_sessions

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def other_pool(database_url: str) -> Iterator[Pool]:
    with open_pool(database_url, max_size=4) as other:
        yield other


def overlapping(writer: int, *, ids: int, size: int) -> list[list[WireItem]]:
    """Send all ids in an order of its own, each twice, odd writers with content of their own."""
    random = Random(writer)
    chosen = [f"u{number}" for number in range(ids)] * 2
    random.shuffle(chosen)
    says = f'"{writer % 2}"'
    items = [login(uid, f"p{hash_of(uid)}", said=says) for uid in chosen]
    return [items[start : start + size] for start in range(0, len(items), size)]


def hash_of(unique_id: str) -> int:
    return sum(unique_id.encode()) % 5


class Reader(threading.Thread):
    """Follows the log as projections do; fails at the first position that is not the next one."""

    def __init__(self, pool: Pool, tenant: Tenant) -> None:
        super().__init__()
        self._log = TenantLog(pool, tenant.tenant_id)
        self._stop_reading = threading.Event()
        self.seen: list[str] = []
        self.fault: str | None = None

    def run(self) -> None:
        last_look = False
        while not self.fault and not last_look:
            last_look = self._stop_reading.is_set()
            behind = len(self.seen)
            found = self._log.select_notifications(behind, 1_000, inclusive_of_start=False)
            positions = [notification.id for notification in found]
            if positions != list(range(behind + 1, behind + 1 + len(positions))):
                self.fault = f"{positions} after {behind}"
            self.seen += [bytes(notification.state).decode() for notification in found]

    def finish(self) -> None:
        self._stop_reading.set()
        self.join()


@contextmanager
def reading(pool: Pool, tenant: Tenant) -> Iterator[Reader]:
    reader = Reader(pool, tenant)
    reader.start()
    try:
        yield reader
    finally:
        reader.finish()


def assert_each_once(
    pool: Pool, tenant: Tenant, reader: Reader, receipts: Sequence[dict[str, Any]], ids: int
) -> None:
    log = stored_events(pool, tenant)
    assert_gapless(log)
    assert len(log) == ids
    assert reader.fault is None
    assert reader.seen == [event.state.decode() for event in log]
    stored = [item["unique_id"] for item in receipts if item["outcome"] == "stored"]
    assert sorted(stored) == sorted(f"u{number}" for number in range(ids))
    places = {(item["unique_id"], item["position"]) for item in receipts}
    assert len(places) == ids, "an item was told two positions"


def test_overlapping_batches_of_many_threads_are_each_recorded_once(
    pool: Pool, other_pool: Pool, tenant: Tenant
) -> None:
    def run(writer: int) -> list[dict[str, Any]]:
        through = (pool, other_pool)[writer % 2]
        return [
            asdict(item)
            for batch in overlapping(writer, ids=400, size=23)
            for item in send(through, tenant, batch).items
        ]

    with reading(pool, tenant) as reader, ThreadPoolExecutor(6) as threads:
        receipts = [item for found in threads.map(run, range(6)) for item in found]
    assert_each_once(pool, tenant, reader, receipts, 400)
    # Whoever came first, the other half of the writers contradicted it, all with the same words.
    with pool.connection() as connection:
        refused = connection.execute(
            "select count(*), count(distinct key) from conflicts where tenant_id = %s",
            [tenant.tenant_id],
        ).fetchone()
    assert refused == (400, 400)


@contextmanager
def writer_process(tenant: Tenant, url: str, bodies: Sequence[bytes]) -> Iterator[tuple[Any, Pipe]]:
    """Start a writer and wait until it is ready; whatever happens it is gone afterwards."""
    ours, theirs = SPAWN.Pipe()
    task = Task(url, tenant.tenant_id, tenant.allowed_currencies(), NOW, bodies)
    process = SPAWN.Process(target=write, args=(task, theirs))
    process.start()
    theirs.close()
    try:
        assert ours.recv() == "ready"
        yield process, ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def test_overlapping_batches_of_several_processes_are_each_recorded_once(
    pool: Pool, tenant: Tenant, database_url: str
) -> None:
    plans = [[body(batch) for batch in overlapping(n, ids=600, size=37)] for n in range(3)]
    receipts: list[dict[str, Any]] = []
    with (
        writer_process(tenant, database_url, plans[0]) as (_, one),
        writer_process(tenant, database_url, plans[1]) as (_, two),
        writer_process(tenant, database_url, plans[2]) as (_, three),
        reading(pool, tenant) as reader,
    ):
        for pipe in (one, two, three):
            pipe.send("go")
        for pipe in (one, two, three):
            while (answer := pipe.recv()) != "done":
                receipts += answer
    assert_each_once(pool, tenant, reader, receipts, 600)


def test_a_process_killed_at_any_moment_leaves_whole_batches_and_sending_again_mends_the_rest(
    pool: Pool, tenant: Tenant, database_url: str
) -> None:
    batches = [logins([f"b{n}/{m}" for m in range(400)], f"p{n % 3}") for n in range(12)]
    bodies = [body(batch) for batch in batches]
    for confirmed in (1, 5, 8):
        with writer_process(tenant, database_url, bodies) as (process, pipe):
            pipe.send("go")
            for _ in range(confirmed):
                pipe.recv()
            process.kill()
        log = stored_events(pool, tenant)
        assert_gapless(log)
        assert len(log) % 400 == 0
        assert len(log) >= 400 * confirmed
    outcomes = [send(pool, tenant, batch) for batch in batches]
    log = stored_events(pool, tenant)
    assert_gapless(log)
    assert [event.state.decode() for event in log] == [
        item.data_text for batch in batches for item in batch
    ]
    assert all({receipt.stored, receipt.duplicate} == {0, 400} for receipt in outcomes)


@contextmanager
def log_held(url: str, tenant: Tenant) -> Iterator[None]:
    """Hold a tenant's log as a writer does that has stalled inside its transaction."""
    with connect(url) as holder, holder.transaction():
        holder.execute(SQL.lock_log.sql, {"tenant_id": tenant.tenant_id})
        yield


def test_a_tenant_whose_log_is_held_makes_no_other_tenant_wait(
    database_url: str, new_tenant: Callable[..., Tenant]
) -> None:
    held, free = new_tenant(), new_tenant()
    with open_pool(database_url, max_size=1, lock_timeout_s=0.1) as impatient:
        with log_held(database_url, held):
            # Would it wait for anything at all, it would fail.
            assert send(impatient, free, logins(["u"])).stored == 1
            with pytest.raises(psycopg.errors.LockNotAvailable):
                send(impatient, held, logins(["u"]))
            assert send(impatient, free, logins(["u", "v"])).duplicate == 1
            assert stored_events(impatient, held) == []
        assert send(impatient, held, logins(["u"])).stored == 1


def test_readers_and_new_tenants_do_not_wait_for_a_log_that_is_held(
    database_url: str, new_tenant: Callable[..., Tenant]
) -> None:
    tenant = new_tenant()
    with open_pool(database_url, max_size=1, lock_timeout_s=0.1) as impatient:
        send(impatient, tenant, logins(["u"]))
        with log_held(database_url, tenant):
            assert TenantLog(impatient, tenant.tenant_id).max_notification_id() == 1
            assert record(impatient, tenant.tenant_id, []).log_position == 1
            assert send(impatient, new_tenant(), logins(["u"])).stored == 1


def test_what_is_recorded_already_is_said_so_while_the_log_is_held(
    database_url: str, tenant: Tenant
) -> None:
    batch = logins(["u", "v"])
    with open_pool(database_url, max_size=1, lock_timeout_s=0.1) as impatient:
        send(impatient, tenant, batch)
        with log_held(database_url, tenant):
            again = send(impatient, tenant, batch)
    assert (again.stored, again.duplicate, again.log_position) == (0, 2, 2)


def test_what_is_recorded_while_another_waits_is_seen_by_it(
    pool: Pool, tenant: Tenant, database_url: str
) -> None:
    batch = logins([f"u{number}" for number in range(50)])
    items = decoded(tenant, batch)
    with ThreadPoolExecutor(4) as threads:
        with log_held(database_url, tenant):
            waiting = [threads.submit(record, pool, tenant.tenant_id, items) for _ in range(4)]
            while waiting_sessions(database_url) != 4:
                pass
        receipts = [future.result() for future in waiting]
    assert sorted(receipt.stored for receipt in receipts) == [0, 0, 0, 50]
    assert_gapless(stored_events(pool, tenant))
