"""(a), (b) and (c) side by side: the floor, the service over HTTP, and the stock library."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench import workload
from bench.cells import RATE_COLUMNS, Cell, Measured, rate_cells, rates, run_rounds
from bench.floor import Floor, connect_floor, floor_batches
from bench.library import Library, library_items, open_players
from bench.orders import load_client
from bench.over_http import BATCHES, CONNECTIONS, OverHttp
from bench.parts import Options, Part, Say
from bench.processes import Memory, memory
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import serving

FLOOR, HTTP, LIBRARY = "floor", "http", "library"

_MOST_LIBRARY_ITEMS_PER_S = 10_000
_MIB = 2**20


class _Cells(NamedTuple):
    """What is measured. `idle` is the service's memory before it did anything."""

    floor: list[Floor]
    http: list[OverHttp]
    library: list[Library]
    idle: Memory | None

    def all(self) -> list[Cell]:
        return [*self.floor, *self.http, *self.library]


def run(server: Server, options: Options, parts: Sequence[str], say: Say) -> Part:
    """Measure the parts asked for in one series of rounds; the floor is always among them."""
    with server.new_database() as database, _prepared(database, options, parts) as cells:
        measured = run_rounds(cells.all(), options.rounds, say)
    tables = [_rates_table(list(measured.values()))]
    if cells.http and cells.idle:
        tables.append(_memory_table(cells.idle, cells.http))
    return Part(tables, rates(measured))


@contextmanager
def _prepared(database: Database, options: Options, parts: Sequence[str]) -> Iterator[_Cells]:
    items = workload.first_items(options.events)
    most_batches = options.events // workload.BATCH
    bodies = workload.bodies(items, workload.BATCH, most_batches)
    batches = floor_batches(map(workload.read, bodies))
    del bodies
    seconds = options.seconds
    with ExitStack() as stack:
        floor = stack.enter_context(connect_floor(database))
        cells = _Cells(
            [Floor(floor, batches, commit_rows, seconds) for commit_rows in (workload.BATCH, 1)],
            [],
            [],
            None,
        )
        if LIBRARY in parts:
            players = stack.enter_context(open_players(database))
            given = library_items(items[: int(_MOST_LIBRARY_ITEMS_PER_S * seconds)])
            cells.library.append(Library(players, given, seconds))
        if HTTP in parts:
            service = stack.enter_context(serving(database, workers=options.workers))
            client = stack.enter_context(load_client(options.events))
            cells.http.extend(
                OverHttp(
                    database, service, client, batch=batch, connections=connections, seconds=seconds
                )
                for batch in BATCHES
                for connections in CONNECTIONS
            )
            cells = cells._replace(idle=memory(service.pids()))
        yield cells


def _rates_table(measured: Sequence[Measured]) -> Table:
    floor = measured[0]
    return Table(
        "Recording, side by side",
        "`HTTP, 100 by 16`: requests of 100 events over 16 connections at once."
        " `COPY`: the floor, one transaction after the other on one connection. Medians of the rounds;"
        " answers of all rounds together (where there are fewer than 100, p99 is the slowest). `of the"
        " floor` compares round by round with the first row. Cores are processor time by elapsed time.",
        [
            Column("way"),
            *RATE_COLUMNS,
            Column("of the floor", 3),
            Column("service cores", 2),
            Column("client cores", 2),
        ],
        [
            [
                each.name,
                *rate_cells(each),
                each.ratio(floor),
                _service_cores(each),
                _client_cores(each),
            ]
            for each in measured
        ],
    )


def _service_cores(measured: Measured) -> float | None:
    if any(sample.service_cpu_s is None for sample in measured.samples):
        return None
    return measured.median(lambda sample: (sample.service_cpu_s or 0.0) / sample.elapsed_s)


def _client_cores(measured: Measured) -> float | None:
    if any(sample.client_cpu_s is None for sample in measured.samples):
        return None
    return measured.median(lambda sample: (sample.client_cpu_s or 0.0) / sample.elapsed_s)


def _memory_table(idle: Memory, cells: Sequence[OverHttp]) -> Table:
    rows: list[list[str | float | None]] = [
        ["before the first request", idle.pss_bytes / _MIB, idle.rss_bytes / _MIB]
    ]
    for cell in cells:
        pss = max(peak.pss_bytes for peak in cell.peaks)
        rss = max(peak.rss_bytes for peak in cell.peaks)
        rows.append([cell.name, pss / _MIB, rss / _MIB])
    return Table(
        "Memory of the service's processes",
        "The most in any round, seen four times a second, of `serve` and its worker together (not of"
        " PostgreSQL). PSS counts shared pages once. One process serves all rows, one after the other, so"
        " a row never shows less than what the process still held from those before.",
        [Column("while"), Column("PSS MiB"), Column("RSS MiB")],
        rows,
    )
