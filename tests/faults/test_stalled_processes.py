"""Processes that stop inside COPY, holding a tenant's log or its read models."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import NamedTuple

import pytest

from tests.databases import Database
from tests.faults.places import Account, projectors
from tests.faults.proxy import Point, Proxy, Trap
from tests.faults.sending import Item, Ledger, Load, items_of, traffic, with_member
from tests.http.service import Service

Start = Callable[..., Service]


class Stall(NamedTuple):
    """A worker of one service that is stopped inside COPY, while another service lives."""

    worker: int
    trap: Trap
    stopped: Service
    alive: Service

    def goes_on(self) -> None:
        self.trap.let_go()
        os.kill(self.worker, SIGCONT)


@pytest.fixture
def stall(
    proxy: Proxy, start: Start, shared: Database, account: Account
) -> Iterator[Callable[..., Stall]]:
    """A function that begins a batch and stops the worker in the middle of it."""
    worker = 0

    def make(**settings: str) -> Stall:
        nonlocal worker
        alive = start(database_url=shared.service_url, owner_url=shared.owner_url, **settings)
        stopped = start(
            database_url=proxy.through(shared.service_url), owner_url=shared.owner_url, **settings
        )
        [worker] = stopped.workers()
        trap = proxy.set_trap(Point.IN_COPY, hold=lambda: os.kill(worker, SIGSTOP))
        return Stall(worker, trap, stopped, alive)

    yield make
    with suppress(ProcessLookupError):
        os.kill(worker, SIGCONT)


def items(seed: int, count: int, *, size: int = 0) -> list[Item]:
    """Give items of one seed, each with so many bytes more."""
    return [
        with_member(item, "blob", "x" * size) for item in itertools.islice(items_of(seed), count)
    ]


def test_while_a_process_stops_inside_copy_its_tenant_is_answered_503_and_others_never_wait(
    stall: Callable[..., Stall], account: Account, other_account: Account
) -> None:
    """Even where the waiting batches fill all that a process may work on."""
    stalled = stall(lock_timeout_s="3", stalled_writer_s="60", max_working_bytes="200000")
    ours, others = Ledger(), Ledger()
    with Load(ours) as load:
        load.add(stalled.stopped.url, account.key, iter([items(1, 300)]))
        stalled.trap.wait()
        for seed in range(10, 15):
            load.add(stalled.alive.url, account.key, iter([items(seed, 100, size=700)]))
        with other_account.client(stalled.alive, others) as client:
            for batch in itertools.islice(traffic(20), 10):
                assert client.send_once(batch).is_success
        assert not ours.refused
        load.is_refused(1)
        stalled.goes_on()
    assert not others.refused
    account.check(stalled.alive, ours)
    other_account.check(stalled.alive, others)


def test_a_process_that_stops_inside_copy_too_long_is_cut_off_and_its_tenant_goes_on(
    stall: Callable[..., Stall], account: Account
) -> None:
    stalled = stall(lock_timeout_s="10", stalled_writer_s="0.5")
    ledger = Ledger()
    with Load(ledger) as load:
        load.add(stalled.stopped.url, account.key, iter([items(1, 300)]))
        stalled.trap.wait()
        with account.client(stalled.alive, ledger) as client:
            assert client.send(items(2, 10)).json()["stored"] == 10
        assert ledger.answered == 1
        stalled.goes_on()
    assert "a stalled transaction was ended" in stalled.alive.log() + stalled.stopped.log()
    account.check(stalled.alive, ledger)


def test_a_process_that_is_killed_while_it_stops_inside_copy_leaves_nothing_of_its_batch(
    stall: Callable[..., Stall], account: Account
) -> None:
    stalled = stall(lock_timeout_s="10", stalled_writer_s="60")
    ledger = Ledger()
    with Load(ledger) as load:
        load.add(stalled.stopped.url, account.key, iter([items(1, 300)]))
        stalled.trap.wait()
        os.kill(stalled.worker, SIGKILL)
        stalled.trap.let_go()
        with account.client(stalled.alive, ledger) as client:
            client.send(items(2, 10))
    account.check(stalled.alive, ledger)


def test_a_projector_that_stops_inside_copy_too_long_is_cut_off_and_another_goes_on(
    proxy: Proxy, start: Start, shared: Database, account: Account
) -> None:
    settings = {"owner_url": shared.owner_url, "stalled_writer_s": "0.5"}
    stopping = start(database_url=proxy.through(shared.service_url), **settings)
    [projector] = projectors(stopping)
    trap = proxy.set_trap(Point.IN_COPY, table="rounds", hold=lambda: os.kill(projector, SIGSTOP))
    ledger = Ledger()
    try:
        with account.client(stopping, ledger) as client:
            client.send(items(1, 300))
        trap.wait()
        alive = start(database_url=shared.service_url, **settings)
        with account.client(alive, ledger) as client:
            client.send(items(2, 300))
        account.check(alive, ledger)
    finally:
        trap.let_go()
        os.kill(projector, SIGCONT)
    with account.client(stopping, ledger) as client:
        client.send(items(3, 300))
    account.check(stopping, ledger)
