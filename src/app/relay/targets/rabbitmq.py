"""RabbitMQ: each event a persistent message to an exchange, confirmed by the broker."""

import asyncio
from contextlib import suppress

from aio_pika import DeliveryMode
from aio_pika import Message as Published
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import ChannelClosed, MessageProcessError
from aio_pika.exceptions import DeliveryError as NotDeliveredError

from app.brokers import rabbitmq as broker
from app.brokers.reaching import BrokerAwayError, BrokerError
from app.relay.reading import Message
from app.relay.targets.target import DeliveryError
from app.relay.turns import Due
from app.settings import Settings
from domain.relaying import fill

# Of what is closed some of it raises RuntimeError.
_WRONG = (BrokerError, BrokerAwayError, *broker.AWAY, MessageProcessError, RuntimeError)

_MOST = 500
_PATIENCE_S = 10.0


class RabbitMq:
    """The exchanges that a process publishes to, over one connection."""

    def __init__(self, settings: Settings) -> None:
        """Connect when it is first needed, and again when that was lost."""
        self._settings = settings
        self._turn = asyncio.Lock()
        self._connection: AbstractConnection | None = None

    async def open(self, due: Due) -> "_Exchange":
        """Open an exchange, by a channel of its own. Raises DeliveryError."""
        name, _, routing_key = due.target.partition("/")
        try:
            channel = await (await self._connected()).channel(
                publisher_confirms=True, on_return_raises=True
            )
            # Of the default exchange there is nothing to look for: it is always there.
            exchange = await channel.get_exchange(name) if name else channel.default_exchange
        except ChannelClosed as error:
            raise DeliveryError(f"RabbitMQ: {error}") from None
        except _WRONG as error:
            # A connection that was lost may not know it.
            await self.close()
            raise DeliveryError(f"RabbitMQ: {error}" if str(error) else repr(error)) from None
        return _Exchange(channel, exchange, routing_key)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_WRONG):
                await connection.close()

    async def _connected(self) -> AbstractConnection:
        async with self._turn:
            if self._connection is None or self._connection.is_closed:
                self._connection = await broker.connect(self._settings)
            return self._connection


class _Exchange:
    """The exchange of a subscription, and the routing key."""

    most = _MOST

    def __init__(
        self, channel: AbstractChannel, exchange: AbstractExchange, routing_key: str
    ) -> None:
        self._channel = channel
        self._exchange = exchange
        self._routing_key = routing_key

    async def send(self, message: Message) -> "asyncio.Future[None]":
        """Begin to publish a message."""
        return asyncio.create_task(self._publish(message))

    async def close(self) -> None:
        """Close the channel."""
        with suppress(*_WRONG):
            await self._channel.close()

    async def _publish(self, message: Message) -> None:
        published = Published(
            message.body,
            message_id=message.id,
            type=message.type,
            content_type="application/json",
            app_id="roundbook",
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        routing_key = fill(
            self._routing_key, tenant=message.tenant, event=message.event, type_=message.type
        )
        try:
            # What no queue takes comes back, and is not lost.
            await self._exchange.publish(
                published, routing_key, mandatory=True, timeout=_PATIENCE_S
            )
        except NotDeliveredError as error:
            raise DeliveryError(_why(error, routing_key)) from None
        except TimeoutError:
            raise DeliveryError(f"RabbitMQ did not confirm within {_PATIENCE_S:g} s") from None
        except _WRONG as error:
            raise DeliveryError(f"RabbitMQ: {error!r}") from None


def _why(error: NotDeliveredError, routing_key: str) -> str:
    if error.message is not None:
        return f"no queue takes the routing key {routing_key!r}: the message came back"
    return "RabbitMQ refused the message, as a queue is full"
