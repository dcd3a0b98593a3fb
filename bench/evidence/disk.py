"""(n) What evidence takes on the disk, an event: for large commits and for small ones."""

from pathlib import Path
from typing import Any

import aiosql
import click

from app.evidence.attesting import attest
from bench import workload
from bench.logs import fill_log
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.sealing import log_of, wait_until_sealed
from bench.server import Database, Server
from bench.service import command
from postgres.connections import connect

SQL: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")

_COMMITS = (workload.BATCH, 100)
_SALTS = "salts, in `events`"


def run(server: Server, options: Options, say: Say) -> Part:
    """Record the same in large commits and in small ones, sealed and anchored meanwhile, and measure."""
    events = options.events // workload.BATCH * workload.BATCH
    items = workload.first_items(events)
    found: list[dict[str, float]] = []
    for batch in _COMMITS:
        say(f"recording {events:,} events in commits of {batch:,}")
        with server.new_database() as database:
            _record(database, workload.bodies(items, batch, events))
            sizes = _sizes(database)
        found.append({name: size / events for name, size in sizes.items()})
    large, small = found
    rows: list[list[str | float | None]] = [
        [name, each, small[name]] for name, each in large.items()
    ]
    rows.append(["all of it", sum(large.values()), sum(small.values())])
    return Part([_table(events, rows)], {})


def _record(database: Database, bodies: list[bytes]) -> None:
    tenant = new_tenant(database)
    anchors = f"file:{database.keys / 'anchors'}"
    with command(database, "seal", ROUNDBOOK_ANCHORS=anchors):
        fill_log(database, tenant.tenant_id, bodies)
        wait_until_sealed(database)
    with connect(database.service_url) as connection:
        log = log_of(database, tenant.tenant_id)
        if attest(connection, log, database.settings()) is None:
            raise click.ClickException("no heads were stated")


def _sizes(database: Database) -> dict[str, int]:
    with connect(database.owner_url) as connection:
        parts = connection.execute(SQL.parts_of_evidence.sql).fetchall()
        # A copy has no dead rows and no room left in its pages: what remains is the column.
        connection.execute(SQL.copy_with_salt.sql)
        connection.execute(SQL.copy_without_salt.sql)
        (salts,) = connection.execute(SQL.size_of_salts.sql).fetchone() or (0,)
        connection.execute(SQL.drop_copies.sql)
    return {f"`{name}`": size for name, size in parts} | {_SALTS: int(salts)}


def _table(events: int, rows: list[list[str | float | None]]) -> Table:
    return Table(
        "Evidence on the disk",
        f"Bytes an event after {events:,} events of one tenant, recorded as fast as goes while `roundbook"
        " seal` signs a checkpoint a second and anchors each in a file, and one statement of heads: tables"
        " with their indexes. The salts are what `events` takes more than a copy of it without that column.",
        [
            Column("part"),
            *(Column(f"bytes/event, commits of {batch:,}", 2) for batch in _COMMITS),
        ],
        rows,
    )
