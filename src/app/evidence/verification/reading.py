"""Reading and hashing a log stretch by stretch, beside each other in processes where it is long."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from typing import NamedTuple

from app.evidence.verification.checkpoints import Signed
from app.evidence.verification.findings import Finding, Findings, UnreadableError
from app.evidence.verification.keys import SigningKeys
from app.evidence.verification.rows import Rows, read_rows
from app.evidence.verification.times import read_any_time
from app.log.leaves import Log
from app.processes import end_with_parent
from postgres.connections import Connection, connect
from postgres.pooling import PoolerError, require_session
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """What a session that verifies is."""

    never_write: Statement
    one_snapshot: Statement
    last_position: Statement


SQL = Sql(__file__)

EVENTS_AT_ONCE = 64 * 256
"""A multiple of 256. What is held of so many events is some MB."""

_HAS_AFFINITY = hasattr(os, "sched_getaffinity")
_MOST_PROCESSES = 8

_FEW = 4 * EVENTS_AT_ONCE


class Task(NamedTuple):
    """What is read: whose log, by which keys it was signed, and where it ends."""

    url: str
    log: Log
    keys: SigningKeys | None
    head: int


class Stretch(NamedTuple):
    """Consecutive positions, both included; `rows_from` is the first of which the row is read."""

    first: int
    last: int
    rows_from: int


class Read(NamedTuple):
    """What a stretch says: its rows, and the roots that were signed at its sizes."""

    stretch: Stretch
    rows: Rows
    roots: list[tuple[int, bytes]]
    findings: list[Finding]


def connect_to_read(url: str) -> Connection:
    """Connect for reading alone. Raises as `postgres.connections.connect` does, and PoolerError."""
    connection = connect(url)
    try:
        require_session(connection, "verifying")
    except PoolerError:
        connection.close()
        raise
    read_any_time(connection)
    connection.execute(SQL.never_write.sql)
    return connection


def last_position(connection: Connection, tenant_id: int) -> int:
    """Return the greatest position of a tenant's events, as who can only read them finds it."""
    return fetch_one(connection, SQL.last_position, {"tenant_id": tenant_id}, int) or 0


def stretches(first: int, last: int, rows_from: int) -> Iterator[Stretch]:
    """Yield what is read at once of the positions from `first` to `last`."""
    for begin in range(first, last + 1, EVENTS_AT_ONCE):
        yield Stretch(begin, min(begin + EVENTS_AT_ONCE - 1, last), max(begin, rows_from))


def read_all(task: Task, stretches: Iterator[Stretch], events: int) -> Iterator[Read]:
    """Yield what each stretch says, in order. Raises psycopg.Error, UnreadableError."""
    if events <= _FEW:
        with closing(connect_to_read(task.url)) as connection:
            for stretch in stretches:
                yield _read(connection, task, stretch)
        return
    cores = len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count() or 1
    processes = min(max(cores, 2), _MOST_PROCESSES)
    # Spawned, not forked: a connection must be used by one process alone.
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(task,)
    ) as executor:
        try:
            yield from _in_order(executor, stretches, ahead=2 * processes)
        except BrokenProcessPool:
            raise UnreadableError("a process that verified was ended from outside") from None


def _in_order(
    executor: ProcessPoolExecutor, stretches: Iterator[Stretch], ahead: int
) -> Iterator[Read]:
    waiting: deque[Future[Read]] = deque()
    try:
        for stretch in stretches:
            waiting.append(executor.submit(_read_here, stretch))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for each in waiting:
            each.cancel()


class _Process(NamedTuple):
    task: Task
    connection: Connection


_process: list[_Process] = []


def _begin(task: Task) -> None:
    # An interruption is for the process that began this one; with that it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _process.append(_Process(task, connect_to_read(task.url)))


def _read_here(stretch: Stretch) -> Read:
    [here] = _process
    return _read(here.connection, here.task, stretch)


def _read(connection: Connection, task: Task, stretch: Stretch) -> Read:
    findings = Findings()
    with connection.transaction():
        connection.execute(SQL.one_snapshot.sql)
        positions = range(stretch.rows_from, stretch.last + 1)
        rows = read_rows(connection, task.log, positions, task.head)
        signed = Signed(task.log, "log", task.keys) if task.keys else None
        roots = (
            signed.roots(connection, stretch.first - 1, stretch.last, findings) if signed else []
        )
    return Read(stretch, rows, roots, [*rows.findings, *findings])
