"""(m) A cluster: what an event takes of the service and of each node, beside one plain server.

TEST_CLUSTER_URL is a superuser's URL of the coordinator, as for the suite (docs/scaling.md). All nodes must
be on this machine, and nothing else at work on them.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psycopg
from psycopg import sql
from tests import clusters
from tests.databases import new_database

from api.schema import SCHEMA
from app.log.heads import StreamHeads
from app.log.recorder import TenantLog
from app.recording import commit
from bench import workload
from bench.over_http import NewTenant, new_tenant
from bench.parts import Options, Part, Say
from bench.processes import parent, server_cpu_s
from bench.results import Column, Table
from bench.server import Database, Server
from postgres.connections import Pool, open_pool
from postgres.distribution import is_cluster
from postgres.migrate import migrate
from projections.engine.projector import Projector

_TENANTS = 32
_BATCH = 1_000
_WAYS = ("recording", "projecting")


class _Taken(NamedTuple):
    """Processor time, in microseconds an event: of the service, and of each node, the coordinator first."""

    service: float
    nodes: list[float]


_Found = dict[str, _Taken]


def run(server: Server, options: Options, say: Say) -> Part:
    """Record and project the same, on the cluster and on the server in turn."""
    if not clusters.is_given():
        say(f"no cluster: {clusters.VARIABLE} names none")
        return Part([], {})
    items = workload.first_items(options.projected // _TENANTS)
    bodies = workload.bodies(items, _BATCH, len(items))
    plain: list[_Found] = []
    cluster: list[_Found] = []
    for number in range(options.rounds):
        for name, opened, found in (
            ("one server", server.new_database, plain),
            ("the cluster", _on_the_cluster, cluster),
        ):
            say(f"round {number + 1}/{options.rounds}  {name}")
            with opened() as database:
                found.append(_measure(database, bodies))
    rounds = {
        f"{way} on {place}, us an event of service and nodes": [
            round(each, 1) for one in found for each in (one[way].service, *one[way].nodes)
        ]
        for place, found in (("one server", plain), ("the cluster", cluster))
        for way in _WAYS
    }
    return Part([_table(plain, cluster, len(bodies) * _BATCH * _TENANTS)], rounds)


@contextmanager
def _on_the_cluster() -> Iterator[Database]:
    with (
        TemporaryDirectory(prefix="roundbook-bench-keys-") as keys,
        new_database(os.environ[clusters.VARIABLE], empty=True) as database,
    ):
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            # As many shards as a cluster has by itself; for tests there are fewer.
            name = sql.Identifier(owner.info.dbname)
            owner.execute(sql.SQL("alter database {} reset citus.shard_count").format(name))
        migrate(SCHEMA, database.owner_url, database.service_url)
        yield Database(database.service_url, database.owner_url, Path(keys))


def _measure(database: Database, bodies: Sequence[bytes]) -> _Found:
    tenants = [new_tenant(database) for _ in range(_TENANTS)]
    servers = _postmasters(database.owner_url)
    settings = database.settings()
    with open_pool(database.service_url, max_size=2) as pool:
        events = len(bodies) * _BATCH * _TENANTS
        return {
            "recording": _taken(servers, events, lambda: _record(pool, tenants, bodies)),
            "projecting": _taken(servers, events, lambda: _project(pool, settings.chunk_events)),
        }


def _record(pool: Pool, tenants: Sequence[NewTenant], bodies: Sequence[bytes]) -> None:
    heads = StreamHeads()
    for body in bodies:
        for tenant in tenants:
            commit(pool, tenant.tenant_id, workload.read(body), heads)


def _project(pool: Pool, chunk_events: int) -> None:
    projector = Projector(
        pool,
        lambda tenant_id: TenantLog(pool, tenant_id),
        chunk_events=chunk_events,
        poll_interval_s=0,
    )
    while projector.project_all(now_s=time.monotonic()):
        continue


def _taken(servers: Sequence[int], events: int, work: Callable[[], None]) -> _Taken:
    before = time.process_time(), [server_cpu_s(each) for each in servers]
    work()
    service_s = time.process_time() - before[0]
    nodes_s = [server_cpu_s(each) - its for each, its in zip(servers, before[1], strict=True)]
    return _Taken(service_s / events * 1e6, [each / events * 1e6 for each in nodes_s])


def _postmasters(url: str) -> list[int]:
    """Give the process of each server that has the database, that of the coordinator first."""
    with psycopg.connect(url) as connection:
        more = clusters.workers(url) if is_cluster(connection) else []
        found = [parent(connection.info.backend_pid)]
    for node in more:
        with psycopg.connect(clusters.at(url, node)) as connection:
            found.append(parent(connection.info.backend_pid))
    return found


def _table(plain: list[_Found], cluster: list[_Found], events: int) -> Table:
    rows: list[list[str | float | None]] = []
    for way in _WAYS:
        one, many = [each[way] for each in plain], [each[way] for each in cluster]
        alone, nodes = (
            median(each.nodes[0] for each in one),
            median(sum(each.nodes) for each in many),
        )
        services = median(each.service for each in many), median(each.service for each in one)
        rows.append(
            [
                way,
                *services,
                services[0] / services[1],
                median(each.nodes[0] for each in many),
                median(sum(each.nodes[1:]) for each in many),
                nodes,
                alone,
                nodes / alone,
                median(max(each.nodes[1:]) / sum(each.nodes[1:]) for each in many) * 100,
            ]
        )
    return Table(
        "A cluster and one server",
        f"Processor time in microseconds an event, of {_TENANTS} tenants with {events:,} events in batches of"
        f" {_BATCH:,}, below HTTP, one after the other; medians of rounds in turn. All processes of each"
        " server are counted. `busiest`: the worker that has the most to do, in percent of all workers.",
        [
            Column("way"),
            Column("service", 1),
            Column("service, one server", 1),
            Column("ratio", 2),
            Column("coordinator", 1),
            Column("workers", 1),
            Column("all nodes", 1),
            Column("one server", 1),
            Column("ratio", 2),
            Column("busiest, %", 1),
        ],
        rows,
    )
