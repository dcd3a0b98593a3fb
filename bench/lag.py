"""(h) From commit to visible, and to sealed: at a steady half of the top rate, and over a long steady run."""

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import NamedTuple

import click

from app.simulation import Scenario, batches, simulate
from bench import workload
from bench.orders import Order, load_client
from bench.over_http import NewTenant, new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.sealing import seal_lags, wait_until_sealed
from bench.server import Database, Server
from bench.service import Service, serving
from bench.visible import Sent, Visible, share

_BATCH = 1_000
_CONNECTIONS = 2
_HALF_ROUNDS = 5
_STRETCHES = 10

Row = list[str | float | None]


class _Lags(NamedTuple):
    """What was sent, and of each batch how long it took to be visible, and to be sealed."""

    sent: Sequence[Sent]
    visible_s: Sequence[float]
    sealed_s: Sequence[float]

    def rounds(self, name: str) -> dict[str, list[float]]:
        return {
            f"lag {name}, s": list(self.visible_s),
            f"seal lag {name}, s": list(self.sealed_s),
        }


def run_half(server: Server, options: Options, say: Say) -> Part:
    """Find the top rate of a service that projects too; then send half of it, steadily."""
    seconds = options.seconds * _HALF_ROUNDS
    with (
        server.new_database() as database,
        serving(database, workers=options.workers, projections=True) as service,
    ):
        top = _top_rate(database, service, options, say)
        bodies = _bodies(round(top / 2 * seconds), seed=4)
        tenant = new_tenant(database)
        lags = _send(database, service, tenant, bodies, top / 2)
    row = _row("half of the top rate", lags)
    return Part(
        [_table("Lag at half of the top rate", [["top rate", top, *[None] * 6], row])],
        lags.rounds("at half of the top rate"),
    )


def run_sustained(server: Server, options: Options, say: Say) -> Part:
    """Send at a steady rate for long, and see whether the lag grows."""
    say(f"making {options.sustained:,} events")
    bodies = _bodies(options.sustained, seed=5)
    with (
        server.new_database() as database,
        serving(database, workers=options.workers, projections=True) as service,
    ):
        say(f"sending {options.sustained:,} events at {options.rate:,} a second")
        tenant = new_tenant(database)
        lags = _send(database, service, tenant, bodies, options.rate)
    sent, visible_s, sealed_s = lags
    rows = []
    per_row = -(-len(sent) // _STRETCHES)
    for start in range(0, len(sent), per_row):
        part = slice(start, start + per_row)
        # From the batch before, so that pauses between stretches count.
        begun = [*sent[max(start - 1, 0) : start], *sent[part]]
        name = f"{start * _BATCH:,} to {(start + len(sent[part])) * _BATCH:,}"
        rows.append(_row(name, _Lags(begun, visible_s[part], sealed_s[part])))
    rows.append(_row("all", lags))
    took_s = sent[-1].at_s + visible_s[-1] - sent[0].at_s
    rows.append(["all, until visible", len(sent) * _BATCH / took_s, *[None] * 6])
    return Part(
        [_table(f"Ingest and projection together, at {options.rate:,} events/s", rows)],
        lags.rounds("in a long run"),
    )


def _bodies(events: int, *, seed: int) -> list[bytes]:
    """Make bodies beforehand: making them would take the processor from what is measured."""
    scenario = Scenario(players=500_000, games=300, seed=seed)
    whole = max(2, events // _BATCH) * _BATCH
    return list(batches(simulate(scenario, whole), _BATCH))


def _top_rate(database: Database, service: Service, options: Options, say: Say) -> float:
    with load_client(options.events) as client:
        tenant = new_tenant(database)
        with Visible(database, tenant.tenant_id) as seen:
            order = Order(
                host=service.host,
                port=service.port,
                key=tenant.key,
                batch=workload.BATCH,
                connections=_CONNECTIONS,
                seconds=options.seconds,
            )
            load = client.send(order)
            top = load.events / load.elapsed_s
            say(f"top rate beside projection: {top:,.0f} events/s")
            seen.wait_for(load.events)
        wait_until_sealed(database)
    return top


def _send(
    database: Database,
    service: Service,
    tenant: NewTenant,
    bodies: Sequence[bytes],
    events_per_s: float,
) -> _Lags:
    """Send, and wait until all is visible and sealed."""
    with Visible(database, tenant.tenant_id) as seen:
        sent = _send_steadily(service, tenant.key, bodies, events_per_s / _BATCH)
        seen.wait_for(max(each.position for each in sent))
        visible_s = seen.behind(sent)
    wait_until_sealed(database)
    positions = [each.position for each in sent]
    return _Lags(sent, visible_s, seal_lags(database, tenant.tenant_id, positions))


def _send_steadily(service: Service, key: str, bodies: Iterable[bytes], per_s: float) -> list[Sent]:
    """Send each body when its time has come, or as soon as a connection is free."""
    waiting, lock = iter(enumerate(bodies)), threading.Lock()
    sent: list[Sent] = []
    began_s = time.perf_counter()

    def work(_: int) -> None:
        connection = HTTPConnection(service.host, service.port)
        headers = {"x-api-key": key, "content-type": "application/json"}
        while True:
            with lock:
                number, body = next(waiting, (0, b""))
            if not body:
                connection.close()
                return
            time.sleep(max(0.0, began_s + number / per_s - time.perf_counter()))
            connection.request("POST", "/api/v1/events", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204 or answer.headers["Events-Stored"] != str(_BATCH):
                raise click.ClickException(f"not stored as new: {answer.status} {answer.headers}")
            sent.append(Sent(int(answer.headers["Log-Position"]), time.perf_counter()))

    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        list(threads.map(work, range(_CONNECTIONS)))
    return sorted(sent, key=lambda each: each.at_s)


def _row(name: str, lags: _Lags) -> Row:
    sent = lags.sent
    rate = (len(sent) - 1) * _BATCH / (sent[-1].at_s - sent[0].at_s)
    row: Row = [name, rate]
    for lag_s in (lags.visible_s, lags.sealed_s):
        row += [share(lag_s, 0.5), share(lag_s, 0.99), max(lag_s) * 1000]
    return row


def _table(title: str, rows: list[Row]) -> Table:
    return Table(
        title,
        f"Batches of {_BATCH:,} over {_CONNECTIONS} connections into one tenant of `roundbook serve`, which"
        " projects in a process of its own and seals in another; top rate: batches of 10,000, one after the"
        " other. The lag is from the acknowledgement of a batch until queries showed all of it, looked for"
        " 200 times a second; the seal lag from its recording until a checkpoint over all of it was signed,"
        " at most one a second.",
        [
            Column("events"),
            Column("events/s"),
            Column("lag ms, median"),
            Column("lag ms, p99"),
            Column("lag ms, most"),
            Column("seal lag ms, median"),
            Column("seal lag ms, p99"),
            Column("seal lag ms, most"),
        ],
        rows,
    )
