"""Kafka: each event a record whose key is its tenant and stream, by a producer that is idempotent."""

import asyncio
import threading
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Record

from app.brokers import kafka as broker
from app.brokers.reaching import BrokerError
from app.relay.reading import Message
from app.relay.targets.target import DeliveryError
from app.relay.turns import Due
from app.settings import Settings
from domain.relaying import fill

_MOST = 2_000
_PATIENCE_MS = 10_000
_PRODUCER = {
    # Each record once for each time that it is handed over, and in order, whatever is tried again.
    "enable.idempotence": "true",
    "acks": "all",
    "linger.ms": "5",
    "message.timeout.ms": str(_PATIENCE_MS),
}
_TICK_S = 0.1


class Kafka:
    """The topics that a process produces to, by one producer."""

    def __init__(self, settings: Settings) -> None:
        """Begin to produce when it is first needed, and anew where that can't go on."""
        self._settings = settings
        self._producing: _Producing | None = None

    async def open(self, due: Due) -> "_Topic":
        """Open a topic. Raises DeliveryError."""
        if self._producing is not None and self._producing.is_over:
            await self._producing.close()
            self._producing = None
        if self._producing is None:
            try:
                self._producing = _Producing(
                    Producer(broker.properties(self._settings) | _PRODUCER)
                )
            except (BrokerError, KafkaException) as error:
                raise DeliveryError(f"Kafka: {error}") from None
        return _Topic(self._producing, due.target)

    async def close(self) -> None:
        """End the producer."""
        if self._producing is not None:
            await self._producing.close()


class _Producing:
    """A producer, whose reports come from a thread of its own."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka", daemon=True)
        self._thread.start()
        self.is_over = False

    def produce(self, topic: str, message: Message) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = self._loop.create_future()
        try:
            self._producer.produce(
                topic,
                value=message.body,
                key=f"{message.tenant}/{message.stream}".encode(),
                headers=[("id", message.id.encode()), ("type", message.type.encode())],
                on_delivery=partial(self._report, future),
            )
        except (BufferError, KafkaException) as error:
            raise DeliveryError(f"Kafka did not take it: {error}") from None
        return future

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(_TICK_S)

    def _report(
        self, future: "asyncio.Future[None]", error: KafkaError | None, _record: Record
    ) -> None:
        """Say from the other thread what became of a record."""
        self._loop.call_soon_threadsafe(self._settle, future, error)

    def _settle(self, future: "asyncio.Future[None]", error: KafkaError | None) -> None:
        if error is not None and error.fatal():
            self.is_over = True
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(DeliveryError(f"Kafka did not confirm: {error.str()}"))


class _Topic:
    """The topic of a subscription."""

    most = _MOST

    def __init__(self, producing: _Producing, template: str) -> None:
        self._producing = producing
        self._template = template

    async def send(self, message: Message) -> "asyncio.Future[None]":
        """Hand a record to the producer."""
        topic = fill(self._template, tenant=message.tenant, event=message.event, type_=message.type)
        return self._producing.produce(topic, message)

    async def close(self) -> None:
        """Do nothing: the producer is shared."""
