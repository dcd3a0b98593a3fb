"""`roundbook consume`: messages of a broker into a tenant's log."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

import click
import structlog

from api.process.long_running import begin, loop_factory, run_beside
from api.process.own_metrics import Address, metrics_option, serving_metrics
from api.process.schema_watch import watch_schema
from api.process.store import Store, open_store, prepare_to_project, wait_until_ready
from app.brokers.reaching import Broker, url_of
from app.consuming.consumer import Batching, Consumer
from app.consuming.recording import Recorder
from app.consuming.source import Source
from app.log.append import TenantClosedError
from app.settings import Settings
from app.tenants import Tenant, TenantError, find_tenant
from app.wire.forms import Dialect
from app.wire.items import MAX_ITEMS
from postgres.connections import connect, open_pool

P = ParamSpec("P")
R = TypeVar("R")

_Opened = Callable[[Settings], Awaitable[Source]]

_CONNECTIONS = 3
# As in a worker: a thread that feeds PostgreSQL is not to wait for one that decodes.
_SWITCH_INTERVAL_S = 0.001
_DEAD = "dead"

log = structlog.get_logger()


@click.group()
def consume() -> None:
    """Take messages of a broker, and record what they hold for a tenant, until told to stop.

    A message is an item, an array of items, or a batch as the API takes it; with --format fasttrack one
    payload of Fast Track, whose type stands beside it. It is acknowledged when all of it is recorded. What
    can't be is published where dead letters go, with what is wrong with it, and noted in the register of
    refused items.

    Any number of these can run beside each other and beside `serve`. The broker is the one that
    ROUNDBOOK_BROKER_URL names.
    """


def _consumes(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the options of all that consume."""
    options = (
        click.option(
            "--format",
            "dialect",
            type=click.Choice(["events", "fasttrack"]),
            default="events",
            show_default=True,
            help="In whose words messages are written.",
        ),
        click.option(
            "--batch",
            default=1_000,
            show_default=True,
            type=click.IntRange(1, MAX_ITEMS),
            help="How many items are recorded at once at most.",
        ),
        click.option(
            "--linger",
            "linger_s",
            default=0.05,
            show_default=True,
            type=click.FloatRange(0, 60),
            help="How many seconds a message waits for others to be recorded with.",
        ),
        metrics_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


_dead_letters = click.option(
    "--dead-letters",
    metavar="NAME",
    help="Where messages go that can't be recorded; by default the name followed by `.dead`.",
)
_prefetch = click.option(
    "--prefetch",
    default=4_000,
    show_default=True,
    type=click.IntRange(1, 65_535),
    help="How many messages are in hand at most.",
)


@consume.command()
@click.argument("tenant")
@click.argument("queue")
@_dead_letters
@_prefetch
@_consumes
def rabbitmq(
    tenant: str, queue: str, *, dead_letters: str | None, prefetch: int, **consuming: Any
) -> None:
    """Consume QUEUE of RabbitMQ for TENANT.

    QUEUE must be there. The queue of dead letters is declared, durable, if there is none.
    """
    _check_dead_letters(queue, dead_letters)

    async def opened(settings: Settings) -> Source:
        from app.consuming.rabbitmq import Queue, open_queue  # noqa: PLC0415 (an extra)

        named = Queue(queue, dead_letters or f"{queue}.{_DEAD}", prefetch)
        return await open_queue(settings, named, tenant)

    _run("rabbitmq", tenant, opened, **consuming)


@consume.command()
@click.argument("tenant")
@click.argument("stream")
@click.option(
    "--durable", metavar="NAME", help="The consumer at NATS; by default `roundbook-` and TENANT."
)
@click.option(
    "--subject", help="Consume this subject alone; a consumer that is there must be of it."
)
@click.option(
    "--ack-wait",
    "ack_wait_s",
    default=10.0,
    show_default=True,
    type=click.FloatRange(3, 3600),
    help="After how many seconds comes again what a consumer had that died, where the consumer is made.",
)
@_dead_letters
@_prefetch
@_consumes
def nats(
    tenant: str,
    stream: str,
    *,
    durable: str | None,
    subject: str | None,
    ack_wait_s: float,
    dead_letters: str | None,
    prefetch: int,
    **consuming: Any,
) -> None:
    """Consume STREAM of NATS JetStream for TENANT, by a durable pull consumer.

    STREAM must be there. The consumer is made if there is none of that name, and so is a stream for dead
    letters, if none keeps their subject.
    """
    if durable is None and "." in tenant:
        raise click.UsageError(
            "say --durable: a consumer at NATS can't have the dot of this tenant's name"
        )

    async def opened(settings: Settings) -> Source:
        from app.consuming.nats import Stream, open_stream  # noqa: PLC0415 (an extra)

        named = Stream(
            stream,
            durable or f"roundbook-{tenant}",
            subject,
            dead_letters or f"{stream}.{_DEAD}",
            prefetch,
            ack_wait_s,
        )
        return await open_stream(settings, named, tenant)

    _run("nats", tenant, opened, **consuming)


@consume.command()
@click.argument("tenant")
@click.argument("topic")
@click.option(
    "--group", metavar="NAME", help="The consumer group; by default `roundbook-` and TENANT."
)
@_dead_letters
@_consumes
def kafka(
    tenant: str, topic: str, *, group: str | None, dead_letters: str | None, **consuming: Any
) -> None:
    """Consume TOPIC of Kafka for TENANT, as a member of a consumer group.

    TOPIC must be there, and so must the topic of dead letters, unless the cluster makes topics by itself.
    """
    _check_dead_letters(topic, dead_letters)

    async def opened(settings: Settings) -> Source:
        from app.consuming.kafka import Topic, open_topic  # noqa: PLC0415 (an extra)

        named = Topic(topic, group or f"roundbook-{tenant}", dead_letters or f"{topic}.{_DEAD}")
        return await open_topic(settings, named, tenant)

    _run("kafka", tenant, opened, **consuming)


def _check_dead_letters(name: str, dead_letters: str | None) -> None:
    if dead_letters == name:
        raise click.UsageError(f"--dead-letters {name}: what is set aside would be consumed again")


def _run(
    broker: Broker,
    tenant: str,
    opened: _Opened,
    *,
    dialect: Dialect,
    batch: int,
    linger_s: float,
    address: Address | None,
) -> None:
    """Consume until told to stop. Raises what ends it before."""
    settings, stop = begin()
    url_of(settings, broker)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    with open_store(settings, say=log.warning, stopped=stop.is_set) as store:
        found: Tenant | None = None

        def prepare(store: Store) -> None:
            nonlocal found
            prepare_to_project(store)
            with connect(store.service_url) as connection:
                found = find_tenant(connection, tenant)

        if not wait_until_ready(store.without_owner(), stop, prepare) or found is None:
            return
        with (
            serving_metrics(address),
            open_pool(
                store.service_url,
                max_size=_CONNECTIONS,
                timeout_s=settings.lock_timeout_s,
                lock_timeout_s=settings.lock_timeout_s,
                statement_timeout_s=settings.statement_timeout_s,
            ) as pool,
        ):
            recorder = Recorder(pool, found, settings, dialect)
            work = partial(
                _consume, lambda: opened(settings), recorder, Batching(batch, linger_s), stop
            )
            consuming = _Consuming(work)
            threads = [
                threading.Thread(target=consuming.run),
                threading.Thread(target=watch_schema, args=[pool, stop]),
            ]
            try:
                run_beside(store, stop, threads, "consuming ended because of an error, see the log")
            finally:
                recorder.close()
                consuming.raise_any()


class _Consuming:
    """What runs in a thread, and how it ended."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._work())
        except Exception as error:  # noqa: BLE001 (it is raised where it is looked at)
            self._error = error

    def raise_any(self) -> None:
        """Raise what ended it."""
        if self._error is not None:
            raise self._error from None


async def _consume(
    opened: Callable[[], Awaitable[Source]],
    recorder: Recorder,
    batching: Batching,
    stop: threading.Event,
) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        stop.wait()
        with suppress(RuntimeError):  # the loop ended before
            loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=wait, daemon=True).start()
    try:
        await Consumer(opened, recorder, batching, stopped).run()
    except TenantClosedError:
        name = recorder.tenant.name
        raise TenantError(f"tenant {name!r} is closed: nothing is recorded for it") from None
