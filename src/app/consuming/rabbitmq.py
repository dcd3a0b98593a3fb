"""Messages of a queue of RabbitMQ.

The queue is taken as it is, and must be there. Where dead letters go a durable quorum queue is declared if
there is none of that name.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity
from pamqp.encode import field_table

from app.brokers.rabbitmq import AWAY, connect
from app.brokers.reaching import BrokerAwayError, BrokerError, away_where
from app.consuming.letters import headers
from app.consuming.source import DeadLetter, Message
from app.settings import Settings

_PATIENCE_S = 30
# To whom else a message goes: a letter goes where dead letters go alone.
_OTHER_QUEUES = {"CC", "BCC"}
# All headers are in one frame, of 128 KiB unless the broker has it otherwise, ours among them.
_MOST_COPIED_BYTES = 100_000


class Queue(NamedTuple):
    """A queue, where its dead letters go, and how many messages of it are in hand at most."""

    name: str
    dead_letters: str
    prefetch: int


class RabbitSource:
    """Messages of a queue, in its order."""

    def __init__(self, connection: AbstractConnection, queue: Queue, tenant: str) -> None:
        """Take nothing yet."""
        self._connection = connection
        self._queue = queue
        self._tenant = tenant
        self._taken: deque[Message] = deque()
        self._news = asyncio.Event()
        self._why_away: str | None = None

    async def begin(self) -> None:
        """Let messages come. Raises BrokerAwayError, and BrokerError where the queue is missing."""
        queue = self._queue
        with away_where(AWAY, "RabbitMQ"):
            self._publishing = await self._connection.channel(on_return_raises=True)
            self._looking = await self._connection.channel(publisher_confirms=False)
            await self._declare(queue.dead_letters)
            self._channel = await self._connection.channel(publisher_confirms=False)
            for channel in (self._publishing, self._looking, self._channel):
                channel.close_callbacks.add(self._closed)
            await self._channel.set_qos(prefetch_count=queue.prefetch)
            try:
                found = await self._channel.get_queue(queue.name)
                await found.consume(self._note)
            except ChannelNotFoundEntity:
                raise BrokerError(
                    f"there is no queue {queue.name!r} at RabbitMQ: declare it"
                ) from None

    async def take(self, most: int, wait_s: float) -> list[Message]:
        """Take messages that came."""
        if not self._taken:
            self._news.clear()
            self._check()
            try:
                await asyncio.wait_for(self._news.wait(), wait_s)
            except TimeoutError:
                return []
        self._check()
        return [self._taken.popleft() for _ in range(min(most, len(self._taken)))]

    async def keep(self) -> None:
        """Do nothing: RabbitMQ leaves a message with who is connected."""
        self._check()

    async def set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Publish dead letters, persistent and confirmed."""
        with away_where(AWAY, "RabbitMQ"):
            for letter in letters:
                sent: AbstractIncomingMessage = letter.message.delivery
                kept = {
                    name: value for name, value in sent.headers.items() if name not in _OTHER_QUEUES
                }
                if len(field_table(kept)) > _MOST_COPIED_BYTES:
                    kept = {}
                copy = aio_pika.Message(
                    sent.body,
                    headers={**kept, **headers(letter, self._tenant)},
                    content_type=sent.content_type,
                    content_encoding=sent.content_encoding,
                    correlation_id=sent.correlation_id,
                    message_id=sent.message_id,
                    timestamp=sent.timestamp,
                    type=sent.type,
                    app_id=sent.app_id,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                )
                exchange = self._publishing.default_exchange
                await exchange.publish(copy, self._queue.dead_letters, timeout=_PATIENCE_S)

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages, and with the last one all before it."""
        last: AbstractIncomingMessage = messages[-1].delivery
        self._check()
        with away_where(AWAY, "RabbitMQ"):
            await last.ack(multiple=True)

    async def lag(self) -> int | None:
        """Return how many messages are in the queue, and here."""
        with away_where(AWAY, "RabbitMQ"):
            found = await self._looking.get_queue(self._queue.name)
        told = found.declaration_result
        if not told.consumer_count:
            raise BrokerAwayError("RabbitMQ: the queue is consumed no longer")
        return (told.message_count or 0) + len(self._taken)

    async def close(self) -> None:
        """Let go of the connection: what is not acknowledged is in the queue again, where it was."""
        self._why_away = "RabbitMQ: the connection is closed"
        with away_where(AWAY, "RabbitMQ"):
            await self._connection.close()

    async def _declare(self, name: str) -> None:
        """Make sure of a queue, as it is or, where there is none, as a durable one."""
        channel = await self._connection.channel()
        try:
            await channel.get_queue(name)
        except ChannelNotFoundEntity:
            channel = await self._connection.channel()
            await channel.declare_queue(
                name, durable=True, arguments={"x-queue-type": "quorum"}, timeout=_PATIENCE_S
            )
        await channel.close()

    async def _note(self, message: AbstractIncomingMessage) -> None:
        place = f"{self._queue.name}#{message.delivery_tag}"
        self._taken.append(Message(message.body, message.type, place, message))
        self._news.set()

    def _closed(self, _channel: object, error: BaseException | None) -> None:
        self._why_away = self._why_away or f"RabbitMQ ended the connection: {error}"
        self._news.set()

    def _check(self) -> None:
        if self._why_away is not None:
            raise BrokerAwayError(self._why_away)


async def open_queue(settings: Settings, queue: Queue, tenant: str) -> RabbitSource:
    """Begin to consume a queue for a tenant. Raises as `app.brokers.rabbitmq.connect` and `begin` do."""
    connection = await connect(settings)
    source = RabbitSource(connection, queue, tenant)
    try:
        await source.begin()
    except BaseException:
        await connection.close()
        raise
    return source
