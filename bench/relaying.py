"""(n) Relaying to NATS: how many events a second one relay sends, and what of the processor that takes."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import click
import nats
from nats.js.api import StreamConfig
from tests.brokers.servers import Nats

from app.relay.subscriptions import add_subscription, find_subscription, replay_subscription
from app.tenants import Tenant, list_tenants
from bench.filling import Size, fill_events
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.processes import cpu_s, family
from bench.results import Column, Table
from bench.server import Server
from bench.service import command
from postgres.connections import Connection, connect

_PATIENCE_S = 600.0
_LOOK_EVERY_S = 0.02
_NAME = "bench"


def run(server: Server, options: Options, say: Say) -> Part:
    """Fill a log, and let a relay send it to a stream in files, again and again."""
    size = Size(
        events=options.projected,
        round_events=10,
        payment_every=20,
        players=max(1_000, options.projected // 100),
        games=200,
        cells=1,
        conflicts=1,
    )
    with (
        server.new_database() as database,
        tempfile.TemporaryDirectory(prefix="roundbook-bench-") as folder,
        Nats(Path(folder)) as broker,
        connect(database.owner_url) as connection,
    ):
        tenant = _tenant(connection, new_tenant(database).tenant_id)
        say(f"filling a log with {size.events:,} events")
        head = fill_events(database.owner_url, tenant.tenant_id, size)
        add_subscription(connection, tenant, _NAME, "nats", f"{_NAME}.{{event}}", first=head + 1)
        per_s, relay_us, broker_us = [], [], []
        with command(database, "relay", "nats", ROUNDBOOK_BROKER_URL=broker.url) as relay:
            for number in range(options.rounds):
                asyncio.run(_make_stream(broker.url))
                before = _cpu_s(family(relay.pid)), _cpu_s(broker.pids)
                began_s = time.perf_counter()
                replay_subscription(connection, tenant, _NAME, 1)
                _wait(connection, tenant, head)
                took_s = time.perf_counter() - began_s
                after = _cpu_s(family(relay.pid)), _cpu_s(broker.pids)
                stored = asyncio.run(_stored(broker.url))
                if stored != head:
                    raise click.ClickException(f"{stored} of {head} events arrived")
                per_s.append(head / took_s)
                relay_us.append((after[0] - before[0]) / head * 1e6)
                broker_us.append((after[1] - before[1]) / head * 1e6)
                say(f"round {number + 1}: {per_s[-1]:,.0f} events/s")
    table = Table(
        "Relaying to NATS",
        f"One relay, one tenant, {head:,} events to a stream of JetStream in files, each confirmed;"
        " processor time of the relay and of nats-server beside it, medians.",
        [
            Column("events/s"),
            Column("relay, µs an event", 1),
            Column("nats-server, µs an event", 1),
        ],
        [[statistics.median(each) for each in (per_s, relay_us, broker_us)]],
    )
    return Part([table], {"relayed to NATS, events/s": per_s})


async def _make_stream(url: str) -> None:
    """Make the stream, empty; it drops nothing that comes again, as all does in each round."""
    client = await nats.connect(url)
    js = client.jetstream()
    if _NAME in [each.config.name for each in await js.streams_info()]:
        await js.delete_stream(_NAME)
    await js.add_stream(StreamConfig(name=_NAME, subjects=[f"{_NAME}.>"]))
    await client.close()


async def _stored(url: str) -> int:
    client = await nats.connect(url)
    info = await client.jetstream().stream_info(_NAME)
    await client.close()
    return info.state.messages


def _wait(connection: Connection, tenant: Tenant, head: int) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while (now := find_subscription(connection, tenant, _NAME)).position < head:
        if time.monotonic() > until_s:
            raise click.ClickException(f"it stands at {now.position} of {head}: {now.failure}")
        time.sleep(_LOOK_EVERY_S)


def _tenant(connection: Connection, tenant_id: int) -> Tenant:
    return next(each for each in list_tenants(connection) if each.tenant_id == tenant_id)


def _cpu_s(pids: list[int]) -> float:
    return cpu_s(pids) or 0.0
