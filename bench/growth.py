"""(f) Growth: one log gets longer and longer, beside the floor's table."""

import itertools
from contextlib import ExitStack

from bench import workload
from bench.floor import connect_floor, copy_durably
from bench.orders import LoadClient, Order, load_client
from bench.over_http import NewTenant, check_log, new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.rows import Log, copy_buffer
from bench.server import Database, Server
from bench.service import Service, serving
from bench.storage import storage_table

_STRETCH_BATCHES = 10
_MOST_ROWS = 20
_CONNECTIONS = 2
_NO_LIMIT_S = 1e9


def run(server: Server, options: Options, say: Say) -> Part:
    """Let one log grow by stretches, in turn with the floor."""
    stretches = max(1, options.batches // _STRETCH_BATCHES)
    with server.new_database() as database:
        service_s, floor_s = _grow(database, stretches, options.workers, say)
        tables = [_growth_table(service_s, floor_s), storage_table(database)]
    return Part(tables, {"growth, service, s": service_s, "growth, floor, s": floor_s})


def _grow(
    database: Database, stretches: int, workers: int, say: Say
) -> tuple[list[float], list[float]]:
    """Give the seconds of each stretch for the service and for the floor, which take turns at beginning."""
    service_s, floor_s = [], []
    with ExitStack() as stack:
        service = stack.enter_context(serving(database, workers=workers))
        client = stack.enter_context(load_client(0))
        floor = stack.enter_context(connect_floor(database))
        tenant = new_tenant(database)
        bodies, log, head = workload.long_run(), Log(), 0
        for number in range(stretches):
            buffers = []
            for body in itertools.islice(bodies, _STRETCH_BATCHES):
                batch = workload.read(body)
                versions = log.place(batch)
                buffers.append(copy_buffer(tenant.tenant_id, head, versions, batch.rows))
                head += len(versions)
            if number % 2:
                service_s.append(_send_stretch(client, service, tenant))
            floor_s.append(sum(copy_durably(floor, buffer) for buffer in buffers))
            if not number % 2:
                service_s.append(_send_stretch(client, service, tenant))
            say(
                f"growth, {head:,} events: {head / (number + 1) / service_s[-1]:,.0f} events/s,"
                f" floor {head / (number + 1) / floor_s[-1]:,.0f}"
            )
        check_log(database, tenant.tenant_id, head)
    return service_s, floor_s


def _send_stretch(client: LoadClient, service: Service, tenant: NewTenant) -> float:
    order = Order(
        host=service.host,
        port=service.port,
        key=tenant.key,
        batch=workload.BATCH,
        connections=_CONNECTIONS,
        seconds=_NO_LIMIT_S,
        long_run_batches=_STRETCH_BATCHES,
    )
    return client.send(order).elapsed_s


def _growth_table(service_s: list[float], floor_s: list[float]) -> Table:
    """Summarise stretches to a readable number of rows."""
    per_row = -(-len(service_s) // _MOST_ROWS)
    rows: list[list[str | float | None]] = []
    for start in range(0, len(service_s), per_row):
        service, floor = service_s[start : start + per_row], floor_s[start : start + per_row]
        events = len(service) * _STRETCH_BATCHES * workload.BATCH
        first = start * _STRETCH_BATCHES * workload.BATCH
        rows.append(
            [
                f"{first:,} to {first + events:,}",
                events / sum(service),
                events / sum(floor),
                sum(floor) / sum(service),
            ]
        )
    return Table(
        "Growth of one log",
        f"Batches of {workload.BATCH:,} over {_CONNECTIONS} connections into one tenant, in turn with the"
        " floor, whose table is as long at any time.",
        [
            Column("events in the log"),
            Column("service events/s"),
            Column("floor events/s"),
            Column("of the floor", 2),
        ],
        rows,
    )
