"""A queue, a stream, a topic of a test's own: what is published there, and what became of it."""

import asyncio
import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import aio_pika
import nats
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import QueueEmpty
from confluent_kafka import Consumer, Producer, TopicPartition
from nats.js.api import StreamConfig

from tests.brokers.servers import Server

_names = itertools.count(1)
_LONG_S = 60


class Sent(NamedTuple):
    """A message to be published: its body, its type if it says one, what chooses its partition, headers."""

    body: bytes
    type: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = {}


class Letter(NamedTuple):
    """A dead letter as it is found."""

    body: bytes
    type: str | None
    headers: Mapping[str, str]


class Place(ABC):
    """Where messages are published, by a name that no other test has."""

    broker: str
    timeout_s: float = _LONG_S
    """How long a broker that is silent is waited for."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"t{os.getpid()}-{next(_names)}"
        self.make()

    def command(self, tenant: str, *more: str) -> list[str]:
        """The arguments of `roundbook` that consume what is published here."""
        return ["consume", self.broker, tenant, self.name, *more]

    @property
    def dead(self) -> str:
        return f"{self.name}.dead"

    @abstractmethod
    def make(self) -> None:
        """Make it, durable."""

    @abstractmethod
    def publish(self, messages: Sequence[Sent]) -> None:
        """Publish messages, in order, and have that confirmed."""

    @abstractmethod
    def dead_letters(self) -> list[Letter]:
        """Take all dead letters, in order."""

    @abstractmethod
    def waiting(self) -> int:
        """Count what is not acknowledged, and comes again; nobody may consume meanwhile."""


class Queue(Place):
    """A durable queue of RabbitMQ."""

    broker = "rabbitmq"

    def make(self) -> None:
        async def make(channel: AbstractChannel) -> None:
            await channel.declare_queue(self.name, durable=True)

        self._run(make)

    def publish(self, messages: Sequence[Sent]) -> None:
        async def publish(channel: AbstractChannel) -> None:
            for some in _chunks(messages):
                sent = [
                    channel.default_exchange.publish(
                        aio_pika.Message(
                            each.body,
                            type=each.type,
                            headers={**each.headers},
                            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                        ),
                        self.name,
                    )
                    for each in some
                ]
                await asyncio.gather(*sent)

        self._run(publish)

    def dead_letters(self) -> list[Letter]:
        found: list[Letter] = []

        async def take(channel: AbstractChannel) -> None:
            queue = await channel.get_queue(self.dead)
            with suppress(QueueEmpty):
                while (message := await queue.get()) is not None:
                    headers = {name: str(value) for name, value in message.headers.items()}
                    found.append(Letter(message.body, message.type, headers))
                    await message.ack()

        self._run(take)
        return found

    def waiting(self) -> int:
        counts: list[int] = []

        async def count(channel: AbstractChannel) -> None:
            queue = await channel.get_queue(self.name)
            counts.append(queue.declaration_result.message_count or 0)

        self._run(count)
        return counts[0]

    def _run(self, work: Any) -> None:
        async def run() -> None:
            connection = await aio_pika.connect(self.server.url, timeout=self.timeout_s)
            async with connection:
                await work(await connection.channel())

        asyncio.run(run())


class Stream(Place):
    """A stream of NATS JetStream, with one subject."""

    broker = "nats"

    def make(self) -> None:
        async def make(context: Any) -> None:
            await context.add_stream(StreamConfig(name=self.name, subjects=[self.name]))

        self._run(make)

    def publish(self, messages: Sequence[Sent]) -> None:
        async def publish(context: Any) -> None:
            for some in _chunks(messages):
                sent = [
                    context.publish(
                        self.name,
                        each.body,
                        headers={**each.headers, **({"type": each.type} if each.type else {})}
                        or None,
                    )
                    for each in some
                ]
                await asyncio.gather(*sent)

        self._run(publish)

    def dead_letters(self) -> list[Letter]:
        found: list[Letter] = []

        async def take(context: Any) -> None:
            stream = await context.find_stream_name_by_subject(self.dead)
            info = await context.stream_info(stream)
            for number in range(info.state.first_seq, info.state.last_seq + 1):
                message = await context.get_msg(stream, number)
                headers = message.headers or {}
                found.append(Letter(message.data, headers.get("type"), headers))
            await context.purge_stream(stream)

        self._run(take)
        return found

    def remake(self, *subjects: str, **config: Any) -> None:
        """Delete the stream, and make it again, with other subjects if any are given."""

        async def remake(context: Any) -> None:
            await context.delete_stream(self.name)
            named = StreamConfig(name=self.name, subjects=[*subjects] or [self.name], **config)
            await context.add_stream(named)

        self._run(remake)

    def add_consumer(self, name: str, **config: Any) -> None:
        """Make a consumer as somebody else would."""

        async def add(context: Any) -> None:
            await context.add_consumer(self.name, durable_name=name, **config)

        self._run(add)

    def waiting(self) -> int:
        counts: list[int] = []

        async def count(context: Any) -> None:
            # Its counts of what is pending have one message twice that was on its way to who went away.
            last = (await context.stream_info(self.name)).state.last_seq
            consumers = await context.consumers_info(self.name)
            counts.extend(last - each.ack_floor.stream_seq for each in consumers)

        self._run(count)
        return sum(counts)

    def _run(self, work: Any) -> None:
        async def run() -> None:
            client = await nats.connect(
                self.server.url, allow_reconnect=False, connect_timeout=int(self.timeout_s)
            )
            try:
                await work(client.jetstream(timeout=self.timeout_s))
            finally:
                await client.close()

        asyncio.run(run())


class Topic(Place):
    """A topic of Kafka, which a mock makes when it is asked for it, with four partitions."""

    broker = "kafka"

    def make(self) -> None:
        producer = self._producer()
        for name in (self.name, self.dead):
            producer.list_topics(name, timeout=_LONG_S)

    def publish(self, messages: Sequence[Sent]) -> None:
        failed: list[object] = []

        def note(error: object, _message: object) -> None:
            if error is not None:
                failed.append(error)

        producer = self._producer()
        for each in messages:
            headers: Any = [*each.headers.items(), *([("type", each.type)] if each.type else [])]
            producer.produce(
                self.name,
                each.body,
                key=each.key,
                headers=headers,
                on_delivery=note,
            )
            producer.poll(0)
        assert producer.flush(_LONG_S) == 0
        assert failed == []

    def dead_letters(self) -> list[Letter]:
        found: list[Letter] = []
        for partition, end in self._ends(self.dead).items():
            consumer = self._consumer("reader")
            consumer.assign([TopicPartition(self.dead, partition, 0)])
            offset = 0
            while offset < end:
                for message in consumer.consume(100, 1):
                    assert message.error() is None, message.error()
                    offset += 1
                    given: Any = message.headers() or []
                    headers = {name: value.decode() for name, value in given}
                    found.append(Letter(message.value() or b"", headers.get("type"), headers))
            consumer.close()
        return found

    def waiting(self) -> int:
        ends = self._ends(self.name)
        [tenant_group] = self.groups
        consumer = self._consumer(tenant_group)
        asked = [TopicPartition(self.name, partition) for partition in ends]
        committed = consumer.committed(asked, timeout=_LONG_S)
        consumer.close()
        return sum(ends[each.partition] - max(0, each.offset) for each in committed)

    groups: Sequence[str] = ()

    def command(self, tenant: str, *more: str) -> list[str]:
        self.groups = [f"roundbook-{tenant}"]
        return super().command(tenant, *more)

    def _ends(self, name: str) -> dict[int, int]:
        consumer = self._consumer("looker")
        partitions = consumer.list_topics(name, timeout=_LONG_S).topics[name].partitions
        ends = {
            partition: consumer.get_watermark_offsets(
                TopicPartition(name, partition), timeout=_LONG_S
            )[1]
            for partition in partitions
        }
        consumer.close()
        return ends

    def _producer(self) -> Producer:
        return Producer({"bootstrap.servers": self._servers, "linger.ms": 5})

    def _consumer(self, group: str) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )

    @property
    def _servers(self) -> str:
        return self.server.url.removeprefix("kafka://")


PLACES: dict[str, type[Place]] = {"rabbitmq": Queue, "nats": Stream, "kafka": Topic}


def _chunks(messages: Sequence[Sent], size: int = 200) -> list[Sequence[Sent]]:
    return [messages[start : start + size] for start in range(0, len(messages), size)]
