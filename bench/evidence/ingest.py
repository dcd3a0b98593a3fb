"""(k) Ingest with evidence and without, side by side: what all of it costs who writes."""

from collections.abc import Callable
from contextlib import ExitStack

from bench import worker
from bench.cells import RATE_COLUMNS, Cell, Measured, Sample, rate_cells, rates, run_rounds
from bench.orders import LoadClient, load_client
from bench.over_http import OverHttp
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.sealing import wait_until_sealed
from bench.server import Server
from bench.service import bench_worker, command
from bench.visible import wait_until_visible

_SHAPES = ((4_000, 2), (10_000, 2), (1, 16))
_WITH, _WITHOUT = "with", "without"
_MODES = {_WITH: worker.AS_IT_IS, _WITHOUT: worker.NO_EVIDENCE}


class _Settled:
    """A cell whose round ends with nothing left to do: the next one has the machine for itself."""

    def __init__(self, cell: OverHttp, settle: Callable[[], None]) -> None:
        self.name = cell.name
        self._cell = cell
        self._settle = settle

    def run(self) -> Sample:
        sample = self._cell.run()
        self._settle()
        return sample


def run(server: Server, options: Options, say: Say) -> Part:
    """Send the same to a worker with all of evidence and to one without, first with projections off."""
    measured: dict[str, Measured] = {}
    with load_client(options.events) as client:
        for projected in (False, True):
            measured |= _measure(server, client, options, say, projected=projected)
    return Part([_table(measured)], rates(measured))


def _measure(
    server: Server, client: LoadClient, options: Options, say: Say, *, projected: bool
) -> dict[str, Measured]:
    with ExitStack() as stack:
        sides = {
            way: _side(stack, server, client, options, way, projected=projected) for way in _MODES
        }
        cells: list[Cell] = [
            side(batch, connections) for batch, connections in _SHAPES for side in sides.values()
        ]
        # One round each that does not count: processes start, connections open, tables become known.
        for cell in cells[: len(sides)]:
            cell.run()
        return run_rounds(cells, options.rounds, say)


def _side(
    stack: ExitStack,
    server: Server,
    client: LoadClient,
    options: Options,
    way: str,
    *,
    projected: bool,
) -> Callable[[int, int], _Settled]:
    """Start a worker and what works beside it, in a database of its own; gives what makes cells of it."""
    database = stack.enter_context(server.new_database())
    service = stack.enter_context(bench_worker(database, _MODES[way]))
    if way == _WITH:
        stack.enter_context(command(database, "seal"))
    if projected:
        stack.enter_context(command(database, "project"))

    def settle() -> None:
        if way == _WITH:
            wait_until_sealed(database)
        if projected:
            wait_until_visible(database)

    def cell(batch: int, connections: int) -> _Settled:
        name = _name(batch, connections, way, projected=projected)
        return _Settled(
            OverHttp(
                database,
                service,
                client,
                batch=batch,
                connections=connections,
                seconds=options.seconds,
                name=name,
            ),
            settle,
        )

    return cell


def _name(batch: int, connections: int, way: str, *, projected: bool) -> str:
    beside = ", projected" if projected else ""
    return f"{batch:,} by {connections}{beside}, {way}"


def _table(measured: dict[str, Measured]) -> Table:
    rows: list[list[str | float | None]] = []
    for projected in (False, True):
        for batch, connections in _SHAPES:
            one, other = (
                measured[_name(batch, connections, way, projected=projected)] for way in _MODES
            )
            rows.append([one.name, *rate_cells(one), one.ratio(other)])
            rows.append([other.name, *rate_cells(other), None])
    return Table(
        "Ingest with evidence and without",
        "`4,000 by 2`: requests of 4,000 events over 2 connections, to one worker. `with`: as it is, and"
        " `roundbook seal` at work; `without`: a worker that makes no hashes and writes none, and no sealer."
        " `projected`: `roundbook project` works beside. Each has a database of its own, and before the next"
        " round all is sealed and visible. `of without` compares round by round; the median.",
        [Column("way"), *RATE_COLUMNS, Column("of without", 3)],
        rows,
    )
