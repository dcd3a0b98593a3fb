"""Intake from brokers beside HTTP: the same items, published before the clock starts, and consumed.

The clock is the log's own: from its first commit to its last one, without what the first one recorded.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import aio_pika
import click
import nats
from nats.js.api import StreamConfig
from tests.brokers.servers import Nats, RabbitMq

from app.log.append import head
from bench import workload
from bench.cells import Cell, Measured, Sample, rates, run_rounds
from bench.orders import load_client
from bench.over_http import OverHttp, check_log, new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import command, serving
from postgres.connections import connect

_BATCH = 1_000
_CONNECTIONS = 2
_PATIENCE_S = 300.0
_UNCONFIRMED = 500
_FEWER = 8  # times, where each item is a message

_Publish = Callable[[str, str, Sequence[bytes]], Coroutine[Any, Any, None]]


class _Broker(NamedTuple):
    name: str
    arguments: str
    server: type[Nats | RabbitMq]
    publish: _Publish


class FromBroker:
    """Messages of one size from one broker; each round into a tenant of its own."""

    def __init__(
        self, database: Database, broker: _Broker, url: str, bodies: Sequence[bytes], items: int
    ) -> None:
        """Publish `bodies`, each of which holds so many items."""
        self.name = f"{broker.name}, {items:,} in a message"
        self._database = database
        self._broker = broker
        self._url = url
        self._bodies = bodies
        self._events = len(bodies) * items

    def run(self) -> Sample:
        tenant = new_tenant(self._database)
        asyncio.run(self._broker.publish(self._url, tenant.name, self._bodies))
        arguments = ("consume", self._broker.arguments, tenant.name, tenant.name)
        with command(self._database, *arguments, ROUNDBOOK_BROKER_URL=self._url) as process:
            deadline = time.monotonic() + _PATIENCE_S
            while self._stored(tenant.tenant_id) < self._events:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise click.ClickException("not all is consumed")
                time.sleep(0.1)
        check_log(self._database, tenant.tenant_id, self._events)
        return self._sample(tenant.tenant_id)

    def _stored(self, tenant_id: int) -> int:
        with connect(self._database.service_url) as connection:
            return head(connection, tenant_id)

    def _sample(self, tenant_id: int) -> Sample:
        with connect(self._database.service_url) as connection:
            [first, last, in_first] = connection.execute(
                "select min(recorded_at), max(recorded_at),"
                " count(*) filter (where recorded_at = (select min(recorded_at) from roundbook.events"
                " where tenant_id = %(tenant_id)s)) from roundbook.events where tenant_id = %(tenant_id)s",
                {"tenant_id": tenant_id},
            ).fetchall()[0]
        return Sample(self._events - in_first, (last - first).total_seconds(), [])


async def _to_nats(url: str, name: str, bodies: Sequence[bytes]) -> None:
    client = await nats.connect(url)
    context = client.jetstream(timeout=60)
    await context.add_stream(StreamConfig(name=name, subjects=[name]))
    for some in _chunks(bodies):
        await asyncio.gather(*(context.publish(name, body) for body in some))
    await client.close()


async def _to_rabbitmq(url: str, name: str, bodies: Sequence[bytes]) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue(name, durable=True)
        persistent = aio_pika.DeliveryMode.PERSISTENT
        for some in _chunks(bodies):
            messages = [aio_pika.Message(body, delivery_mode=persistent) for body in some]
            exchange = channel.default_exchange
            await asyncio.gather(*(exchange.publish(message, name) for message in messages))


def _chunks(bodies: Sequence[bytes]) -> list[Sequence[bytes]]:
    return [bodies[at : at + _UNCONFIRMED] for at in range(0, len(bodies), _UNCONFIRMED)]


_BROKERS = (
    _Broker("NATS", "nats", Nats, _to_nats),
    _Broker("RabbitMQ", "rabbitmq", RabbitMq, _to_rabbitmq),
)


def run(server: Server, options: Options, say: Say) -> Part:
    """Measure HTTP batches and each broker in turn."""
    items = workload.first_items(options.events)
    large = workload.bodies(items, _BATCH, len(items))
    small = [item.encode() for item in items[: len(items) // _FEWER]]
    with ExitStack() as stack:
        database = stack.enter_context(server.new_database())
        service = stack.enter_context(serving(database, workers=1))
        client = stack.enter_context(load_client(options.events))
        http = OverHttp(
            database,
            service,
            client,
            batch=_BATCH,
            connections=_CONNECTIONS,
            seconds=options.seconds,
        )
        cells: list[Cell] = [http]
        for broker in _BROKERS:
            folder = stack.enter_context(TemporaryDirectory(prefix="roundbook-bench-"))
            url = stack.enter_context(broker.server(Path(folder))).url
            cells += [
                FromBroker(database, broker, url, large, _BATCH),
                FromBroker(database, broker, url, small, 1),
            ]
        measured = run_rounds(cells, options.rounds, say)
    return Part([_table(measured, measured[http.name])], rates(measured))


def _table(measured: dict[str, Measured], http: Measured) -> Table:
    return Table(
        "Intake from brokers",
        f"`roundbook consume` of what is published already, one process, beside batches of {_BATCH:,} over"
        f" HTTP by {_CONNECTIONS} connections to one worker; `of HTTP` compares round by round. The broker"
        " runs on the same machine.",
        [
            Column("way"),
            Column("events/s"),
            Column("slowest to fastest round"),
            Column("of HTTP", 2),
        ],
        [
            [
                each.name,
                each.median(lambda sample: sample.events_per_s),
                each.range(),
                each.ratio(http),
            ]
            for each in measured.values()
        ],
    )
