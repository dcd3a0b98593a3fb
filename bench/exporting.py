"""What leaves the service as a whole: tables as CSV over HTTP, and all of a tenant as Parquet files."""

import csv
import io
import json
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click

from bench import workload
from bench.logs import fill_log
from bench.over_http import NewTenant, new_tenant
from bench.parts import Options, Part, Say
from bench.processes import cpu_s
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import Service, command, serving
from bench.visible import Visible

_CSV = ("rounds", "transactions", "activity", "players", "history")
_PARQUET = ("events", "rounds", "transactions", "activity", "players", "games")
_READ = 1 << 20


class _Took(NamedTuple):
    """One answer or one run: its rows, how long it took, and the processor time of its process."""

    rows: int
    elapsed_s: float
    processor_s: float | None

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.elapsed_s


def run(server: Server, options: Options, say: Say) -> Part:
    """Record and project a log, then read all of it in each way, in turn."""
    bodies = workload.bodies(
        workload.first_items(options.projected), workload.BATCH, options.projected
    )
    taken: dict[str, list[_Took]] = {}
    with server.new_database() as database:
        tenant = new_tenant(database)
        head = fill_log(database, tenant.tenant_id, bodies)
        with (
            command(database, "project"),
            Visible(database, tenant.tenant_id) as seen,
        ):
            seen.wait_for(head)
        with serving(database, workers=1) as service:
            for number in range(options.rounds):
                for name, took in _one_round(database, tenant, service):
                    taken.setdefault(name, []).append(took)
                    say(
                        f"round {number + 1}/{options.rounds}  {name}: {took.rows_per_s:,.0f} rows/s"
                    )
    return Part(
        [_table(head, taken)],
        {f"{name}, rows/s": [each.rows_per_s for each in all_] for name, all_ in taken.items()},
    )


def _one_round(
    database: Database, tenant: NewTenant, service: Service
) -> Iterator[tuple[str, _Took]]:
    for path in _CSV:
        yield f"CSV, /{path}", _csv(service, tenant, path)
    for table in _PARQUET:
        yield f"Parquet, {table}", _parquet(database, tenant, table)


def _csv(service: Service, tenant: NewTenant, path: str) -> _Took:
    began_s, processor_s = time.perf_counter(), service.cpu_s()
    connection = HTTPConnection(service.host, service.port)
    connection.request(
        "GET", f"/api/v1/{path}", headers={"x-api-key": tenant.key, "accept": "text/csv"}
    )
    answer = connection.getresponse()
    if answer.status != 200:
        raise click.ClickException(f"/{path}: {answer.status} {answer.read().decode()}")
    body = io.BytesIO()
    while piece := answer.read(_READ):
        body.write(piece)
    connection.close()
    took_s, after_s = time.perf_counter() - began_s, service.cpu_s()
    rows = sum(1 for _ in csv.reader(io.StringIO(body.getvalue().decode(), newline=""))) - 1
    return _Took(rows, took_s, _between(processor_s, after_s))


def _parquet(database: Database, tenant: NewTenant, table: str) -> _Took:
    """Export one table, from before the first piece: the start of the process is not counted."""
    with tempfile.TemporaryDirectory(prefix="roundbook-bench-") as name:
        folder = Path(name) / "export"
        with command(database, "export", tenant.name, str(folder), "--what", table) as process:
            while not folder.exists() and process.poll() is None:
                time.sleep(0.001)
            began_s, processor_s = time.perf_counter(), cpu_s([process.pid])
            after_s = processor_s
            while process.poll() is None:
                after_s = cpu_s([process.pid]) or after_s
                time.sleep(0.005)
            took_s = time.perf_counter() - began_s
            if process.returncode:
                raise click.ClickException(f"`roundbook export` ended with {process.returncode}")
        manifest: Any = json.loads((folder / "manifest.json").read_bytes())
    rows = sum(each["rows"] for each in manifest["files"])
    return _Took(rows, took_s, _between(processor_s, after_s))


def _between(before_s: float | None, after_s: float | None) -> float | None:
    return None if before_s is None or after_s is None else after_s - before_s


def _table(events: int, taken: dict[str, list[_Took]]) -> Table:
    return Table(
        "Whole tables as CSV and Parquet",
        f"One tenant with {events:,} simulated events, recorded and projected by the service; medians of"
        " the rounds. CSV is read over HTTP on one connection. Parquet is one run of `roundbook export`"
        " into a new folder, from the moment that the folder is there to the end of the process. µs are"
        " processor time of the process that writes, not of PostgreSQL.",
        [Column("what"), Column("rows"), Column("rows/s"), Column("µs a row", 1)],
        [
            [
                name,
                float(all_[0].rows),
                median(each.rows_per_s for each in all_),
                _processor_us(all_),
            ]
            for name, all_ in taken.items()
        ],
    )


def _processor_us(all_: list[_Took]) -> float | None:
    known = [each.processor_s / each.rows for each in all_ if each.processor_s is not None]
    return median(known) * 1e6 if known else None
