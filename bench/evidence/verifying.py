"""(m) Verifying a whole log: in the database, and from a bundle; beside plainly reading the same rows."""

import statistics
import subprocess
import sys
import time
from collections import deque
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from app.evidence.log_keys import log_keys
from bench import workload
from bench.logs import fill_log
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.processes import ROOT, PeakOfFamily
from bench.results import Column, Table
from bench.sealing import log_of, seal_log
from bench.server import Database, Server
from postgres.binary import copy_out
from postgres.connections import connect
from postgres.statements import Statement

_MIB = 2**20
_COPY = Statement("rows", "copy (select * from events order by position) to stdout (format binary)")
_ROUNDBOOK = (sys.executable, "-m", "api.cli")
# It is not installed in the service's environment.
_VERIFIER = ROOT / "verifier" / "src"
_RUN_VERIFIER = "import sys; from roundbook_verify.main import main; sys.exit(main())"

_READ = "for comparison: COPY TO of all rows"
_VERIFY = "`roundbook verify`"
_BUNDLE = "`roundbook evidence bundle`"
_VERIFY_BUNDLE = "`roundbook-verify`"


class _Took(NamedTuple):
    """How long something took, and the most memory that its processes held."""

    seconds: float
    peak_mib: float | None


def run(server: Server, options: Options, say: Say) -> Part:
    """Record a log, seal it, and verify it in both ways."""
    events = options.verified // workload.BATCH * workload.BATCH
    taken: dict[str, list[_Took]] = {}
    with server.new_database() as database, TemporaryDirectory(prefix="roundbook-bench-") as folder:
        tenant = new_tenant(database)
        log = log_of(database, tenant.tenant_id)
        say(f"recording {events:,} events")
        fill_log(database, tenant.tenant_id, islice(workload.long_run(), events // workload.BATCH))
        seal_log(database, log)
        with connect(database.owner_url) as connection:
            connection.execute("vacuum analyze")
            vkey = log_keys(connection, log)[0].vkey
        bundle = Path(folder) / "bundle.zip"
        commands = {
            _VERIFY: (*_ROUNDBOOK, "verify", tenant.name, "--vkey", vkey),
            _BUNDLE: (*_ROUNDBOOK, "evidence", "bundle", tenant.name, str(bundle)),
            _VERIFY_BUNDLE: (sys.executable, "-c", _RUN_VERIFIER, str(bundle), "--vkey", vkey),
        }
        for number in range(options.rounds):
            bundle.unlink(missing_ok=True)
            taken.setdefault(_READ, []).append(_read(database))
            for name, command in commands.items():
                took = _run(database, command)
                taken.setdefault(name, []).append(took)
                rate = events / took.seconds
                say(f"round {number + 1}/{options.rounds}  {name}: {rate:,.0f} events/s")
        size_mib = bundle.stat().st_size / _MIB
    return Part(
        [_table(events, size_mib, taken)],
        {f"{name}, s": [took.seconds for took in each] for name, each in taken.items()},
    )


def _read(database: Database) -> _Took:
    """Read all rows, as fast as libpq gives them, and leave it at that."""
    with connect(database.service_url) as connection:
        began_s = time.perf_counter()
        deque(copy_out(connection, _COPY, {}), maxlen=0)
        return _Took(time.perf_counter() - began_s, None)


def _run(database: Database, command: tuple[str, ...]) -> _Took:
    """Run a command to its end. Raises click.ClickException unless that is a good one."""
    began_s = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=database.environment() | {"PYTHONPATH": str(_VERIFIER)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        with PeakOfFamily(process.pid) as watched:
            said, _ = process.communicate()
        took_s = time.perf_counter() - began_s
    if process.returncode != 0:
        raise click.ClickException(f"{' '.join(command)}: {process.returncode}\n{said}")
    return _Took(took_s, watched.peak.pss_bytes / _MIB if watched.peak else None)


def _table(events: int, size_mib: float, taken: dict[str, list[_Took]]) -> Table:
    rows: list[list[str | float | None]] = []
    for name, each in taken.items():
        ratios = [
            read.seconds / took.seconds for read, took in zip(taken[_READ], each, strict=True)
        ]
        peaks = [took.peak_mib for took in each if took.peak_mib is not None]
        took_s = statistics.median(took.seconds for took in each)
        rows.append(
            [name, events / took_s, took_s, statistics.median(ratios), max(peaks, default=None)]
        )
    return Table(
        "Verifying",
        f"A log of {events:,} events, sealed, of one tenant; whole processes from start to end, nothing else"
        f" at work; medians. The bundle, of all of it, has {size_mib:,.0f} MiB. `of COPY` compares round by"
        " round with reading the same rows in order and leaving it at that. PSS is of all processes of a"
        " command together, seen four times a second, the most in any round.",
        [
            Column("way"),
            Column("events/s"),
            Column("s", 1),
            Column("of COPY", 2),
            Column("peak PSS MiB"),
        ],
        rows,
    )
