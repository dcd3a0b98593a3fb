"""(d) The write path step by step, in this process: what each costs, and what its shortcuts bring."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from app.log.heads import StreamHeads
from app.recording import Prepared, Recorded, commit, prepare
from app.wire.currencies import ISO_4217
from app.wire.items import decode_batch
from bench import workload
from bench.floor import FloorBatch, connect_floor, copy_durably
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.rows import Log, copy_buffer
from bench.server import Database, Server
from postgres.connections import Connection, Pool, open_pool

_WARM_UP = 3
_BATCHES_A_ROUND = 8
_MOST_SMALL_BATCHES = 200


class _Times:
    """Wall and processor time of steps, in µs per event. The thread's own: PostgreSQL's is not in it."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str, events: int) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.thread_time()
        yield
        self.wall.setdefault(name, []).append((time.perf_counter() - wall) / events * 1e6)
        self.cpu.setdefault(name, []).append((time.thread_time() - cpu) / events * 1e6)

    def row(self, name: str) -> list[str | float | None]:
        wall, cpu = self.wall[name][_WARM_UP:], self.cpu[name][_WARM_UP:]
        return [name, statistics.median(wall), statistics.median(cpu)]


class _TimedHeads(StreamHeads):
    """Says how long the commit took to find versions."""

    def __init__(self, times: _Times) -> None:
        super().__init__()
        self._times = times

    def next_versions(
        self, connection: Connection, tenant_id: int, head: int, streams: Sequence[str]
    ) -> list[int]:
        with self._times.step(_VERSIONS, len(streams)):
            return super().next_versions(connection, tenant_id, head, streams)


_DECODE = "decode and check the body"
_PREPARE = "hash the ids, write the rows"
_VERSIONS = "versions (within the commit)"
_BUFFER = "COPY buffer (within the commit)"
_COMMIT = "the whole commit"
_FLOOR = "for comparison: the floor, COPY and commit"


def run(server: Server, options: Options, say: Say) -> Part:
    """Time the functions of the write path, then commits with and without what makes them fast."""
    many = _WARM_UP + options.rounds * _BATCHES_A_ROUND
    items = workload.first_items(min(options.events, many * workload.BATCH))
    large = workload.bodies(items, workload.BATCH, many)
    small = workload.bodies(items, 100, _MOST_SMALL_BATCHES)
    with server.new_database() as database, open_pool(database.service_url, max_size=2) as pool:
        say(f"steps of the write path, {len(large)} batches")
        times = _time_steps(database, pool, large)
        with server.new_database() as other, open_pool(other.service_url, max_size=2) as other_pool:
            tables = [_steps_table(times)]
            rounds = {f"{name}, µs/event": taken for name, taken in times.wall.items()}
            for batch, bodies in ((workload.BATCH, large), (100, small)):
                say(f"commits of {batch:,} with and without shortcuts")
                taken = _time_shortcuts(other, other_pool, bodies)
                tables.append(_shortcuts_table(batch, taken))
                rounds |= {f"{way}, commits of {batch:,}, s": each for way, each in taken.items()}
    return Part(tables, rounds)


def _time_steps(database: Database, pool: Pool, bodies: Iterable[bytes]) -> _Times:
    tenant_id = new_tenant(database).tenant_id
    times, log = _Times(), Log()
    heads = _TimedHeads(times)
    head = 0
    with connect_floor(database) as floor:
        for body in bodies:
            with times.step(_DECODE, workload.BATCH):
                items = decode_batch(body, currencies=ISO_4217, now=datetime.now(UTC))
            with times.step(_PREPARE, workload.BATCH):
                batch = prepare(items)
            placed = FloorBatch(log.place(batch), batch.rows)
            with times.step(_BUFFER, workload.BATCH):
                buffer = copy_buffer(tenant_id, head, *placed)
            with times.step(_COMMIT, workload.BATCH):
                commit(pool, tenant_id, batch, heads)
            with times.step(_FLOOR, workload.BATCH):
                copy_durably(floor, buffer)
            head += workload.BATCH
    return times


def _steps_table(times: _Times) -> Table:
    names = (_DECODE, _PREPARE, _VERSIONS, _BUFFER, _COMMIT, _FLOOR)
    return Table(
        "Steps of the write path",
        f"Batches of {workload.BATCH:,}, one after the other, in one process; medians. `own CPU` is the"
        " processor time of the calling thread; the rest of the time is PostgreSQL's and the disk's.",
        [Column("step"), Column("µs/event", 2), Column("own CPU µs/event", 2)],
        [times.row(name) for name in names],
    )


Way = Callable[[Pool, int, Prepared, StreamHeads], Recorded]


def _look_first(pool: Pool, tenant_id: int, batch: Prepared, heads: StreamHeads) -> Recorded:
    heads.expects_new = False
    return commit(pool, tenant_id, batch, heads)


def _without_memory(pool: Pool, tenant_id: int, batch: Prepared, _: StreamHeads) -> Recorded:
    heads = StreamHeads()
    heads.expects_new = True
    return commit(pool, tenant_id, batch, heads)


def _without_both(pool: Pool, tenant_id: int, batch: Prepared, _: StreamHeads) -> Recorded:
    return commit(pool, tenant_id, batch, StreamHeads())


_AS_IT_IS = "as it is"
_AGAIN = "as it is, the same batches again"
_WAYS: dict[str, Way] = {
    _AS_IT_IS: commit,
    "keys looked up first (no optimistic COPY)": _look_first,
    "versions looked up (no remembered heads)": _without_memory,
    "both looked up": _without_both,
}


def _time_shortcuts(
    database: Database, pool: Pool, bodies: Sequence[bytes]
) -> dict[str, list[float]]:
    """Commit each batch in every way in turn, each way into a log of its own."""
    tenants = {way: new_tenant(database).tenant_id for way in _WAYS}
    heads = {way: StreamHeads() for way in _WAYS}
    taken: dict[str, list[float]] = {way: [] for way in _WAYS}
    batches = [workload.read(body) for body in bodies]
    for number, batch in enumerate(batches):
        # Backwards every other time: what comes first in a turn has its disadvantages.
        for way in reversed(_WAYS) if number % 2 else _WAYS:
            started = time.perf_counter()
            _WAYS[way](pool, tenants[way], batch, heads[way])
            taken[way].append(time.perf_counter() - started)
    taken[_AGAIN] = []
    for batch in batches[-_BATCHES_A_ROUND - _WARM_UP :]:
        started = time.perf_counter()
        commit(pool, tenants[_AS_IT_IS], batch, heads[_AS_IT_IS])
        taken[_AGAIN].append(time.perf_counter() - started)
    return {way: each[_WARM_UP:] for way, each in taken.items()}


def _shortcuts_table(batch: int, taken: dict[str, list[float]]) -> Table:
    as_it_is = statistics.median(taken[_AS_IT_IS])
    return Table(
        f"What the shortcuts bring, commits of {batch:,}",
        "In one process, in turn, each way into a log of its own; medians.",
        [
            Column("way"),
            Column("ms/commit", 2),
            Column("µs/event", 2),
            Column("time of as it is", 2),
        ],
        [
            [way, median * 1000, median / batch * 1e6, median / as_it_is]
            for way, each in taken.items()
            for median in [statistics.median(each)]
        ],
    )
