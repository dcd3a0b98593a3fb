"""Processes that stop inside COPY, holding a tenant's log or its read models."""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import NamedTuple, Self

import pytest

from tests.databases import Database
from tests.faults.places import Account, projectors
from tests.faults.proxy import Point, Proxy
from tests.faults.sending import Item, Ledger, Load, items_of, traffic, with_member
from tests.http.service import Service, eventually

Start = Callable[..., Service]


class Pair(NamedTuple):
    """Two services on one database: one whose processes will be stopped, and another."""

    stopping: Service
    alive: Service


class Stall:
    """Stops a process of a service in the middle of the next COPY into a table; it goes on in the end."""

    def __init__(self, proxy: Proxy, pid: int, table: str) -> None:
        self.pid = pid
        self._trap = proxy.set_trap(Point.IN_COPY, table=table, hold=lambda: os.kill(pid, SIGSTOP))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.goes_on()

    @property
    def is_stopped(self) -> bool:
        """Tell whether the process is stopped by now."""
        return self._trap.sprung.is_set()

    def wait(self) -> None:
        """Wait until the process is stopped."""
        self._trap.wait()

    def goes_on(self) -> None:
        """Let it go on, unless it is dead."""
        self._trap.let_go()
        with suppress(ProcessLookupError):
            os.kill(self.pid, SIGCONT)


@pytest.fixture(scope="module")
def pair(module_start: Start, module_proxy: Proxy, shared: Database) -> Callable[..., Pair]:
    """A function that starts two services, once for the same settings."""

    @cache
    def make(**settings: str) -> Pair:
        urls = (module_proxy.through(shared.service_url), shared.service_url)
        return Pair(
            *(
                module_start(database_url=url, owner_url=shared.owner_url, **settings)
                for url in urls
            )
        )

    return make


@pytest.fixture(scope="module")
def unwatched(pair: Callable[..., Pair]) -> Pair:
    """A pair whose watchdogs come too late."""
    return pair(lock_timeout_s="15", stalled_writer_s="600", max_working_bytes="200000")


@pytest.fixture(scope="module")
def watched(pair: Callable[..., Pair]) -> Pair:
    """A pair whose watchdogs come soon."""
    return pair(lock_timeout_s="10", stalled_writer_s="0.5")


def items(seed: int, count: int, *, size: int = 0) -> list[Item]:
    """Give items of one seed, each with so many bytes more."""
    return [
        with_member(item, "blob", "x" * size) for item in itertools.islice(items_of(seed), count)
    ]


def test_while_a_process_stops_inside_copy_its_tenant_is_answered_503_and_others_never_wait(
    unwatched: Pair, module_proxy: Proxy, account: Account, other_account: Account
) -> None:
    """Even where the waiting batches fill all that a process may work on."""
    stopping, alive = unwatched
    ours, others = Ledger(), Ledger()
    [worker] = stopping.workers()
    with Stall(module_proxy, worker, "events") as stall, Load(ours) as load:
        load.add(stopping.url, account.key, iter([items(1, 300)]))
        stall.wait()
        for seed in range(10, 15):
            load.add(alive.url, account.key, iter([items(seed, 100, size=700)]))
        with other_account.client(alive, others) as client:
            for batch in itertools.islice(traffic(20), 10):
                assert client.send_once(batch).is_success
        assert not ours.refused
        load.is_refused(1)
        stall.goes_on()
    assert not others.refused
    account.check(alive, ours)
    other_account.check(alive, others)


def test_a_process_that_stops_inside_copy_too_long_is_cut_off_and_its_tenant_goes_on(
    watched: Pair, module_proxy: Proxy, account: Account
) -> None:
    stopping, alive = watched
    ledger = Ledger()
    [worker] = stopping.workers()
    with Stall(module_proxy, worker, "events") as stall, Load(ledger) as load:
        load.add(stopping.url, account.key, iter([items(1, 300)]))
        stall.wait()
        with account.client(alive, ledger) as client:
            assert client.send(items(2, 10)).json()["stored"] == 10
        assert ledger.answered == 1
        stall.goes_on()
    # Another process says it than the one that records.
    eventually(lambda: "a stalled transaction was ended" in alive.log() + stopping.log())
    account.check(alive, ledger)


def test_a_process_that_is_killed_while_it_stops_inside_copy_leaves_nothing_of_its_batch(
    unwatched: Pair, module_proxy: Proxy, account: Account
) -> None:
    stopping, alive = unwatched
    ledger = Ledger()
    [worker] = stopping.workers()
    with Stall(module_proxy, worker, "events") as stall, Load(ledger) as load:
        load.add(stopping.url, account.key, iter([items(1, 300)]))
        stall.wait()
        os.kill(worker, SIGKILL)
        stall.goes_on()
        with account.client(alive, ledger) as client:
            client.send(items(2, 10))
    account.check(alive, ledger)


def test_a_projector_that_stops_inside_copy_too_long_is_cut_off_and_another_goes_on(
    watched: Pair, module_proxy: Proxy, account: Account
) -> None:
    stopping, alive = watched
    ledger = Ledger()
    [projector] = projectors(stopping)
    with Stall(module_proxy, projector, "rounds") as stall:
        with account.client(alive, ledger) as client:
            # The other projector may be quicker, but not each time.
            seeds = itertools.count(1)
            while not stall.is_stopped:
                client.send(items(next(seeds), 100))
            client.send(items(0, 100))
        account.check(alive, ledger)
    with account.client(stopping, ledger) as client:
        client.send(items(next(seeds), 100))
    account.check(stopping, ledger)
