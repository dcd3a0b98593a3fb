"""(g) Projecting a log that is there: catch-up and rebuild of all read models, and the stock runner."""

import itertools
import subprocess
import time
from statistics import median
from typing import NamedTuple

from app.log.heads import StreamHeads
from app.recording import commit
from bench import workload
from bench.library import library_items
from bench.logs import fill_log
from bench.over_http import NewTenant, new_tenant
from bench.parts import Options, Part, Say
from bench.processes import PeakMemory, family
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import command
from bench.stock_runner import stock_events_per_s
from bench.visible import Sent, Visible, share
from postgres.connections import open_pool

_MIB = 2**20
_MOST_STOCK_EVENTS_PER_S = 2_000
_TRICKLE = 100
_TRICKLE_PAUSE_S = 0.2


class _CaughtUp(NamedTuple):
    """What a projector did with a log: its rate, and the most memory it held."""

    events_per_s: float
    pss_mib: float | None


class _Rebuilt(NamedTuple):
    """The same of a rebuild; how long the rest took, and how far the live ones were behind meanwhile."""

    events_per_s: float
    pss_mib: float | None
    rest_s: float
    behind_s: list[float]


def run(server: Server, options: Options, say: Say) -> Part:
    """Catch up, in turn with the stock runner; then rebuild while batches go on coming."""
    items = workload.first_items(options.projected)
    bodies = workload.bodies(items, workload.BATCH, len(items))
    stock_items = library_items(items[: round(_MOST_STOCK_EVENTS_PER_S * (options.seconds + 1))])
    caught_up: list[_CaughtUp] = []
    stock: list[float] = []
    for number in range(options.rounds):
        with server.new_database() as database:
            tenant = new_tenant(database)
            head = fill_log(database, tenant.tenant_id, bodies)
            with command(database, "project") as projector:
                caught_up.append(_catch_up(database, tenant, head, projector))
                say(
                    f"round {number + 1}/{options.rounds}  {caught_up[-1].events_per_s:,.0f} events/s"
                )
                if number == options.rounds - 1:
                    rebuilt = _rebuild(database, tenant, head)
                    say(f"rebuild: {rebuilt.events_per_s:,.0f} events/s")
            stock.append(stock_events_per_s(database, stock_items, options.seconds))
            say(f"round {number + 1}/{options.rounds}  stock runner: {stock[-1]:,.0f} events/s")
    rates = [each.events_per_s for each in caught_up]
    return Part(
        [_table(caught_up, rebuilt, stock, head)],
        {"catch-up, events/s": rates, "stock runner, events/s": stock},
    )


def _catch_up(
    database: Database, tenant: NewTenant, head: int, projector: "subprocess.Popen[bytes]"
) -> _CaughtUp:
    with Visible(database, tenant.tenant_id) as seen:
        seen.wait_for(1)
        with PeakMemory(family(projector.pid)) as watched:
            seen.wait_for(head)
        return _CaughtUp(seen.events_per_s(head), _mib(watched))


def _rebuild(database: Database, tenant: NewTenant, head: int) -> _Rebuilt:
    """Rebuild by command, while small batches are recorded and projected into the live read models."""
    serials, heads = itertools.count(), StreamHeads()
    sent = []
    with (
        Visible(database, tenant.tenant_id) as live,
        Visible(database, tenant.tenant_id, live=False) as made,
        open_pool(database.service_url, max_size=1) as pool,
        command(database, "rebuild", tenant.name) as rebuild,
        PeakMemory(family(rebuild.pid)) as watched,
    ):
        made_s = None
        while rebuild.poll() is None:
            body = workload.logins("trickle", (next(serials) for _ in range(_TRICKLE)))
            recorded = commit(pool, tenant.tenant_id, workload.read(body), heads)
            sent.append(Sent(recorded.log_position, time.perf_counter()))
            if made_s is None and made.position >= head:
                made_s = time.perf_counter()
            time.sleep(_TRICKLE_PAUSE_S)
        ended_s = time.perf_counter()
        live.wait_for(sent[-1].position)
        rest_s = ended_s - (made_s or ended_s)
        return _Rebuilt(made.events_per_s(head), _mib(watched), rest_s, live.behind(sent))


def _mib(watched: PeakMemory) -> float | None:
    return watched.peak.pss_bytes / _MIB if watched.peak else None


def _table(caught_up: list[_CaughtUp], rebuilt: _Rebuilt, stock: list[float], events: int) -> Table:
    ratios = [each.events_per_s / other for each, other in zip(caught_up, stock, strict=True)]
    memory = [each.pss_mib for each in caught_up if each.pss_mib is not None]
    behind = rebuilt.behind_s
    return Table(
        "Projecting a log that is there",
        f"A log of {events:,} events of one tenant, all read models; medians of the rounds, the rebuild once."
        " From the first chunk to the last, without the start of the process. The stock library's"
        " ProjectionRunner keeps one table, of sums by player and currency, and has the first of the same"
        f" events. While rebuilding, {_TRICKLE} events are recorded every {_TRICKLE_PAUSE_S} s: `live, ms` is"
        " from their commit until queries showed them. `rest` is comparing, switching, deleting. PSS is of"
        " the process that projects, seen four times a second.",
        [
            Column("way"),
            Column("events/s"),
            Column("times the stock runner", 0),
            Column("PSS MiB"),
            Column("rest s", 1),
            Column("live, ms, median"),
            Column("live, ms, p99"),
        ],
        [
            [
                "catch-up, `roundbook project`",
                median(each.events_per_s for each in caught_up),
                median(ratios),
                max(memory, default=None),
                None,
                None,
                None,
            ],
            [
                "rebuild, `roundbook rebuild`",
                rebuilt.events_per_s,
                rebuilt.events_per_s / median(stock),
                rebuilt.pss_mib,
                rebuilt.rest_s,
                share(behind, 0.5),
                share(behind, 0.99),
            ],
            ["eventsourcing, ProjectionRunner", median(stock), 1.0, None, None, None, None],
        ],
    )
