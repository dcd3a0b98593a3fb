"""(a) The floor: what PostgreSQL itself needs for the same rows, durably, with nothing around it."""

import itertools
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.log.statements import SQL
from app.recording import Prepared
from bench.cells import Sample
from bench.rows import Log, copy_buffer
from bench.server import Database
from postgres.connections import Connection, connect

_SCHEMA = "bench_floor"
_MOST_SINGLE_ROWS = 50_000

_tenant_ids = itertools.count(1)


class FloorBatch(NamedTuple):
    """The rows of a batch, encoded but for tenant and position."""

    versions: list[int]
    rows: list[bytes]


def floor_batches(batches: Iterable[Prepared]) -> list[FloorBatch]:
    """Keep of the batches of one log what the floor needs."""
    log = Log()
    return [FloorBatch(log.place(batch), batch.rows) for batch in batches]


def connect_floor(database: Database) -> Connection:
    """Connect to a table like the log's, with the same columns and indexes, in a schema of its own."""
    connection = connect(database.owner_url)
    connection.execute(f"create schema if not exists {_SCHEMA}")
    connection.execute(
        f"create table if not exists {_SCHEMA}.events (like roundbook.events including all)"
    )
    connection.execute(f"set search_path = {_SCHEMA}")
    return connection


def copy_durably(connection: Connection, buffer: bytes) -> float:
    """COPY in a transaction of its own; give the seconds until it was durable."""
    started = time.perf_counter()
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy(SQL.copy_events.sql) as sink,
    ):
        sink.write(buffer)
    return time.perf_counter() - started


class Floor:
    """Plain COPY of encoded rows over one connection, `commit_rows` a transaction."""

    def __init__(
        self,
        connection: Connection,
        batches: Sequence[FloorBatch],
        commit_rows: int,
        seconds: float,
    ) -> None:
        self.name = f"COPY, {commit_rows:,} a commit"
        self._connection = connection
        self._batches = batches
        self._commit_rows = commit_rows
        self._seconds = seconds

    def run(self) -> Sample:
        # A tenant of its own for each round, like the service's: the same rows are new again.
        tenant_id = next(_tenant_ids)
        buffers = self._buffers(tenant_id)
        answers = []
        deadline = time.perf_counter() + self._seconds
        for buffer in buffers:
            answers.append(copy_durably(self._connection, buffer))
            if time.perf_counter() > deadline:
                break
        return Sample(len(answers) * self._commit_rows, sum(answers), answers)

    def _buffers(self, tenant_id: int) -> list[bytes]:
        buffers, head = [], 0
        for versions, rows in self._batches:
            for start in range(0, len(rows), self._commit_rows):
                part = slice(start, start + self._commit_rows)
                buffers.append(copy_buffer(tenant_id, head, versions[part], rows[part]))
                head += len(rows[part])
            if self._commit_rows == 1 and len(buffers) >= _MOST_SINGLE_ROWS:
                break
        return buffers
