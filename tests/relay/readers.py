"""What brokers have of what was relayed, as one who reads it sees it."""

import asyncio
import json
from typing import Any, NamedTuple, Protocol

import aio_pika
import nats
from confluent_kafka import Consumer, TopicPartition
from nats.js.api import StreamConfig

from tests.brokers.servers import MockKafka, Nats, RabbitMq, Server

_LONG_S = 60.0


class Read(NamedTuple):
    """A message of a broker: what it is addressed by, its id as the broker has it, and what it says."""

    address: str
    id: str
    message: dict[str, Any]


class Reader(Protocol):
    """Reads all that a broker has of what was relayed, from the beginning, in order."""

    server: Server
    kind: str
    target: str

    def read(self) -> list[Read]:
        """Read it."""


class NatsStream:
    """A stream of JetStream, with all subjects below its name."""

    kind = "nats"

    def __init__(self, server: Nats, name: str) -> None:
        self.server = server
        self.name = name
        self.target = f"{name}.{{tenant}}.{{event}}"
        asyncio.run(self._make())

    async def _make(self) -> None:
        client = await nats.connect(self.server.url)
        config = StreamConfig(name=self.name, subjects=[f"{self.name}.>"], duplicate_window=120)
        await client.jetstream(timeout=_LONG_S).add_stream(config)
        await client.close()

    def read(self) -> list[Read]:
        return asyncio.run(self._read())

    async def _read(self) -> list[Read]:
        client = await nats.connect(self.server.url)
        js = client.jetstream(timeout=_LONG_S)
        count = (await js.stream_info(self.name)).state.messages
        found = []
        if count:
            subscription = await js.subscribe(f"{self.name}.>", ordered_consumer=True)
            for _ in range(count):
                got = await subscription.next_msg(timeout=_LONG_S)
                assert got.headers is not None
                found.append(Read(got.subject, got.headers["Nats-Msg-Id"], json.loads(got.data)))
        await client.close()
        return found


class Queue:
    """A queue of RabbitMQ, bound to an exchange of its name by all keys."""

    kind = "rabbitmq"

    def __init__(self, server: RabbitMq, name: str) -> None:
        self.server = server
        self.name = name
        self.target = f"{name}/{{tenant}}.{{event}}"
        self._found: list[Read] = []
        asyncio.run(self._make())

    async def _make(self) -> None:
        async with await aio_pika.connect(self.server.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(self.name, durable=True)
            exchange = await channel.declare_exchange(
                self.name, aio_pika.ExchangeType.TOPIC, durable=True
            )
            await queue.bind(exchange, "#")

    def read(self) -> list[Read]:
        asyncio.run(self._take())
        return list(self._found)

    async def _take(self) -> None:
        async with await aio_pika.connect(self.server.url) as connection:
            queue = await (await connection.channel()).get_queue(self.name)
            while (got := await queue.get(no_ack=True, fail=False)) is not None:
                assert got.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
                assert got.content_type == "application/json"
                message = json.loads(got.body)
                assert got.type == message["type"]
                self._found.append(Read(got.routing_key or "", got.message_id or "", message))


class Topic:
    """A topic of Kafka: what is in each partition, one partition after the other."""

    kind = "kafka"

    def __init__(self, server: MockKafka, name: str) -> None:
        self.server = server
        self.name = name
        self.target = name

    def read(self) -> list[Read]:
        consumer = Consumer(
            {
                "bootstrap.servers": self.server.url.removeprefix("kafka://"),
                "group.id": "reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        try:
            topic = consumer.list_topics(self.name, timeout=_LONG_S).topics[self.name]
            return [
                read for number in topic.partitions for read in self._partition(consumer, number)
            ]
        finally:
            consumer.close()

    def _partition(self, consumer: Consumer, number: int) -> list[Read]:
        _, end = consumer.get_watermark_offsets(TopicPartition(self.name, number), timeout=_LONG_S)
        consumer.assign([TopicPartition(self.name, number, 0)])
        found: list[Read] = []
        while len(found) < end:
            record = consumer.poll(_LONG_S)
            assert record is not None
            assert record.error() is None
            headers = dict(record.headers() or [])
            id_ = headers["id"]
            assert isinstance(id_, bytes)
            key, value = record.key(), record.value()
            assert key is not None
            assert value is not None
            message = json.loads(value)
            assert key.decode() == f"{message['tenant']}/{message['stream']}"
            found.append(Read(self.name, id_.decode(), message))
        return found
