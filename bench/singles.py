"""(e) Requests of one event over 16 connections: what group commit brings, and what HTTP alone costs."""

from contextlib import ExitStack

from bench import worker
from bench.cells import RATE_COLUMNS, rate_cells, rates, run_rounds
from bench.orders import load_client
from bench.over_http import OverHttp
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.server import Server
from bench.service import bench_worker

_CONNECTIONS = 16
_WAYS = {
    worker.AS_IT_IS: "as it is",
    worker.NO_GROUPS: "a commit for each request",
    worker.NO_STORE: "a store that does nothing",
}


def run(server: Server, options: Options, say: Say) -> Part:
    """Send single events to three workers in turn that differ in one thing."""
    with ExitStack() as stack:
        database = stack.enter_context(server.new_database())
        client = stack.enter_context(load_client(options.events))
        cells = [
            OverHttp(
                database,
                stack.enter_context(bench_worker(database, mode)),
                client,
                batch=1,
                connections=_CONNECTIONS,
                seconds=options.seconds,
                name=way,
                stores=mode != worker.NO_STORE,
            )
            for mode, way in _WAYS.items()
        ]
        measured = run_rounds(cells, options.rounds, say)
    as_it_is, *_ = measured.values()
    table = Table(
        "Requests of one event",
        f"Requests of one event over {_CONNECTIONS} connections, to one worker each, alike but for what the"
        " row says; `of as it is` compares round by round. The last row is what HTTP, checking and"
        " answering alone allow.",
        [Column("way"), *RATE_COLUMNS, Column("of as it is", 2)],
        [[each.name, *rate_cells(each), each.ratio(as_it_is)] for each in measured.values()],
    )
    return Part([table], rates(measured))
