"""(l) Many tenants that do nothing: what they take of the processor, and what one that posts feels."""

import time
from pathlib import Path

import aiosql
import msgspec

from bench.fairness.quiet import Felt, Quiet
from bench.fairness.target import Target
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.processes import cpu_s
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import Service, serving
from bench.visible import share
from postgres.connections import connect
from projections.models.registry import code_versions

SQL = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg", mandatory_parameters=False)

_SETTLE_S = 10.0
_IDLE_S = 30.0
_POSTS_S = 10.0

Row = list[str | float | None]


def run(server: Server, options: Options, say: Say) -> Part:
    """Measure a service with no other tenant, and one with many."""
    rows, rounds = [], {}
    for tenants in (0, options.tenants):
        say(f"{tenants:,} tenants that do nothing")
        with server.new_database() as database:
            _fill(database, tenants)
            with serving(database, workers=options.workers, projections=True) as service:
                time.sleep(_SETTLE_S)
                row = _idle(database, service)
                felt = _posting(database, service)
        rows.append([f"{tenants:,}", *row, *_times(felt)])
        rounds[f"reads of what was just posted beside {tenants:,} tenants, s"] = felt.reads_s
    return Part([_table(rows)], rounds)


def _fill(database: Database, tenants: int) -> None:
    versions = msgspec.json.encode(code_versions()).decode()
    with connect(database.owner_url) as owner:
        owner.execute("alter table events disable trigger user")
        owner.execute(SQL.fill.sql, {"tenants": tenants, "versions": versions})
        owner.execute("alter table events enable trigger user")
        owner.execute("vacuum analyze")


def _idle(database: Database, service: Service) -> Row:
    """Give the share of a core that the service's processes take, and their sessions with PostgreSQL."""
    with connect(database.owner_url) as connection:
        sessions = [pid for (pid,) in connection.execute(SQL.sessions.sql)]
    before = service.cpu_s(), cpu_s(sessions)
    began = time.perf_counter()
    time.sleep(_IDLE_S)
    took_s = time.perf_counter() - began
    after = service.cpu_s(), cpu_s(sessions)
    return [
        None if one is None or other is None else (other - one) / took_s * 100
        for one, other in zip(before, after, strict=True)
    ]


def _posting(database: Database, service: Service) -> Felt:
    tenant = new_tenant(database)
    quiet = Quiet(Target(service.host, service.port, [tenant.key]), reads_what_it_posts=True)
    return quiet.live(_POSTS_S)


def _times(felt: Felt) -> Row:
    return [share(felt.reads_s, 0.5), share(felt.reads_s, 0.99)]


def _table(rows: list[Row]) -> Table:
    return Table(
        "Tenants that do nothing",
        f"`roundbook serve` with so many tenants, each with one event that is shown, sealed and stated:"
        f" processor time over {_IDLE_S:.0f} s of supervisor, worker, projector and sealer, and of their"
        " sessions with PostgreSQL, in percent of a core. Then one tenant posts an event and reads it with"
        " `at_least`, again and again: how long such a read takes, which waits for the projector.",
        [
            Column("tenants"),
            Column("service, % of a core", 2),
            Column("PostgreSQL, % of a core", 2),
            Column("read ms, median", 1),
            Column("read ms, p99", 1),
        ],
        rows,
    )
