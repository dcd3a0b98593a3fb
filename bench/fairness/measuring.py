"""Measuring: the quiet tenant alone, beside a lawful load, and beside each abuse, one after the other."""

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.fairness import lawful
from bench.fairness.abuses import ABUSES, Abuse
from bench.fairness.quiet import Felt, Quiet
from bench.fairness.target import Target
from bench.over_http import check_log, more_keys, new_tenant
from bench.parts import Options, Part, Say
from bench.processes import PeakMemory
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import Service, serving

_WINDOWS = 4
_WARM_S = 2.0
_MB = 1_000_000
_KEYS = 10
_LOOK_S = 0.05
_COUNTS = ("roundbook_requests_total{", "roundbook_requests_in_progress{")
_WORKER = b"api.process.worker"

Row = list[str | float | None]


def run(server: Server, options: Options, say: Say) -> Part:
    """Measure what the quiet tenant feels."""
    loads = {"nothing": None, "a lawful load": Abuse(lawful.load), **ABUSES}
    rows, rounds = [], {}
    for name, load in loads.items():
        say(f"a quiet tenant beside {name}")
        row, felt = _beside(server, options, name, load)
        rows.append(row)
        rounds[f"fairness beside {name}, posts, s"] = felt.posts_s
        rounds[f"fairness beside {name}, reads, s"] = felt.reads_s
    return Part([_table(rows)], rounds)


def _beside(server: Server, options: Options, name: str, load: Abuse | None) -> tuple[Row, Felt]:
    with (
        server.new_database() as database,
        serving(database, workers=options.workers, projections=True) as service,
    ):
        quiet_tenant = new_tenant(database)
        quiet = Quiet(Target(service.host, service.port, [quiet_tenant.key]))
        quiet.live(_WARM_S)
        with PeakMemory(_workers(service)) as watched, _loaded(database, service, load):
            quiet.live(_WARM_S)
            felt = quiet.live(options.seconds * _WINDOWS)
        check_log(database, quiet_tenant.tenant_id, quiet.stored)
        peak = None if watched.peak is None else watched.peak.rss_bytes / _MB
    row: Row = [name, len(felt.posts_s)]
    for taken_s in (felt.posts_s, felt.reads_s):
        cuts = statistics.quantiles(taken_s, n=100)
        row += [cuts[49] * 1000, cuts[98] * 1000]
    return [*row, felt.refused, peak], felt


@contextmanager
def _loaded(database: Database, service: Service, abuse: Abuse | None) -> Iterator[None]:
    """Have a service loaded by another tenant from a process of its own, as long as the block lasts."""
    if abuse is None:
        yield
        return
    spawning = multiprocessing.get_context("spawn")
    stop = spawning.Event()
    tenant = new_tenant(database)
    keys = [tenant.key, *more_keys(database, tenant, _KEYS - 1)]
    target = Target(service.host, service.port, keys)
    if abuse.fill is not None:
        abuse.fill(database, tenant, target)
    process = spawning.Process(target=abuse.load, args=[target, stop])
    before = _requests(service)
    process.start()
    try:
        # What it prepares takes the processor, and is no load yet.
        while process.is_alive() and _requests(service) == before:
            time.sleep(_LOOK_S)
        yield
    finally:
        stop.set()
        process.join(60)
        process.kill()
        process.join()


def _requests(service: Service) -> float:
    """Count the requests that ended or are under way, but for those of this function."""
    connection = HTTPConnection(service.host, service.port)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith(_COUNTS) and 'path="/metrics"' not in line
    )


def _workers(service: Service) -> list[int]:
    """List the processes that serve; what decodes beside them comes and goes."""
    return [pid for pid in service.pids() if _WORKER in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _table(rows: list[Row]) -> Table:
    about = (
        "A tenant that posts one event and reads one page at a time, with 20 ms between, beside another"
        " tenant's load: how long its answers took. The peak is the resident memory of those that serve."
    )
    columns = [
        Column("beside"),
        Column("posts"),
        Column("post p50, ms", 1),
        Column("post p99, ms", 1),
        Column("read p50, ms", 1),
        Column("read p99, ms", 1),
        Column("refused"),
        Column("peak, MB"),
    ]
    return Table("Fairness", about, columns, list(rows))
