"""Messages of a topic of Kafka, as a member of a consumer group.

The topic must be there, and so must the one of its dead letters, unless the cluster makes topics as they are
asked for. How far the group is, is stored when a batch is recorded, and committed every second and whenever a
partition goes to another member.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog
from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from app.brokers.kafka import properties
from app.brokers.reaching import BrokerAwayError, BrokerError, LetterRefusedError, away_where
from app.consuming.letters import fit
from app.consuming.source import DeadLetter, Message
from app.settings import Settings

_Result = TypeVar("_Result")

_PATIENCE_S = 30.0
_TYPE = "type"
_BUFFER_KIB = "16384"
# What librdkafka takes at most: how long a message may be is for the cluster to say.
_MOST_LETTER_BYTES = 1_000_000_000
# Who asks nothing for five minutes (max.poll.interval.ms) is out of the group.
_ASKS_EVERY_S = 5.0

log = structlog.get_logger()


class Topic(NamedTuple):
    """A topic, the group that consumes it, and where dead letters go."""

    name: str
    group: str
    dead_letters: str


class KafkaSource:
    """Messages of the partitions that this member of the group is given, each in its order."""

    def __init__(self, topic: Topic, configured: dict[str, str], tenant: str) -> None:
        """Take nothing yet; `configured` is what librdkafka is told to reach the cluster."""
        self._topic = topic
        self._tenant = tenant
        self._configured = configured
        own: dict[str, Any] = {
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": _BUFFER_KIB,
            **configured,
            "group.id": topic.group,
            "enable.auto.offset.store": False,
            "enable.auto.commit": True,
            "auto.commit.interval.ms": 1_000,
            "error_cb": self._note,
        }
        with away_where((KafkaException,), "Kafka"):
            self._consumer = Consumer(own)
        self._producer: Producer | None = None
        # One for what waits for messages, one for what must not wait with it.
        self._taking = ThreadPoolExecutor(1)
        self._others = ThreadPoolExecutor(1)
        self._early: list[Any] = []
        self._asked_s = time.monotonic()
        self._is_taking = self._is_paused = False
        self._fatal: str | None = None

    async def begin(self) -> None:
        """Join the group. Raises BrokerAwayError, and BrokerError where a topic is missing."""

        def begin() -> None:
            self._look_for(self._topic.name, self._consumer.list_topics)
            self._look_for(self._topic.dead_letters, self._dead_letters().list_topics)
            self._consumer.subscribe(
                [self._topic.name], on_assign=self._given, on_revoke=self._taken_away
            )

        await self._do(self._others, begin)

    async def take(self, most: int, wait_s: float) -> list[Message]:
        """Take messages, of each partition in its order."""

        def take() -> list[Any]:
            if self._is_paused:
                self._consumer.resume(self._consumer.assignment())
                self._is_paused = False
            early, self._early = self._early[:most], self._early[most:]
            return early or self._consumer.consume(most, wait_s)

        self._is_taking = True
        try:
            found = await self._do(self._taking, take)
        finally:
            self._is_taking, self._asked_s = False, time.monotonic()
        return [self._message(each) for each in found if self._is_one(each)]

    async def keep(self) -> None:
        """Stay in the group while nothing more is taken."""
        if self._is_taking or time.monotonic() - self._asked_s < _ASKS_EVERY_S:
            return

        def ask() -> None:
            if not self._is_paused:
                self._consumer.pause(self._consumer.assignment())
                self._is_paused = True
            found = self._consumer.poll(0)
            if found is not None and self._is_one(found):
                self._early.append(found)

        self._asked_s = time.monotonic()
        await self._do(self._taking, ask)

    async def set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Produce dead letters, with the keys of their messages, confirmed by all replicas in sync.

        One that is too long is shortened to what its message had. Raises LetterRefusedError where that is
        too long, too.
        """

        def set_aside() -> None:
            too_long = self._produce(letters, lambda _: _MOST_LETTER_BYTES)
            too_long = self._produce(too_long, _length)
            if too_long:
                raise LetterRefusedError(
                    f"Kafka takes no dead letter of {too_long[0].message.place}: it is longer than"
                    f" max.message.bytes of the topic {self._topic.dead_letters!r}, or message.max.bytes"
                    " of ROUNDBOOK_BROKER_FILE: raise that"
                )

        await self._do(self._others, set_aside)

    def _produce(
        self, letters: Sequence[DeadLetter], most_bytes: Callable[[DeadLetter], int]
    ) -> list[DeadLetter]:
        """Produce dead letters, each so long at most; returns those that are too long all the same."""
        failed: list[KafkaError] = []
        too_long: list[DeadLetter] = []

        def note(letter: DeadLetter, error: KafkaError | None, _message: object = None) -> None:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                too_long.append(letter)
            elif error is not None:
                failed.append(error)

        producer = self._dead_letters()
        for letter in letters:
            sent = letter.message.delivery
            copied, own, body = fit(letter, self._tenant, sent.headers() or [], most_bytes(letter))
            try:
                producer.produce(
                    self._topic.dead_letters,
                    # What has no value at all stays so.
                    value=body if sent.value() is not None else None,
                    key=sent.key(),
                    headers=[*copied, *((name, text.encode()) for name, text in own.items())],
                    on_delivery=partial(note, letter),
                )
            except KafkaException as error:
                note(letter, error.args[0])
            producer.poll(0)
        left = producer.flush(_PATIENCE_S)
        if failed or left:
            why = failed[0].str() if failed else "it does not confirm them"
            raise BrokerAwayError(f"Kafka takes no dead letters: {why}")
        return too_long

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Store how far the group is, for partitions that are still ours: others have theirs again."""
        last: dict[int, int] = {}
        for message in messages:
            last[message.delivery.partition()] = message.delivery.offset() + 1

        def store() -> None:
            for partition, offset in last.items():
                try:
                    self._consumer.store_offsets(
                        offsets=[TopicPartition(self._topic.name, partition, offset)]
                    )
                except KafkaException as error:
                    log.info("a partition went elsewhere", partition=partition, error=str(error))

        await self._do(self._others, store)

    async def lag(self) -> int | None:
        """Return how many messages of its own partitions were not taken, as far as is known here."""

        def look() -> int:
            lag = 0
            for place in self._consumer.position(self._consumer.assignment()):
                _, end = self._consumer.get_watermark_offsets(place, cached=True)
                if place.offset != OFFSET_INVALID and end > place.offset:
                    lag += end - place.offset
            return lag

        return await self._do(self._others, look)

    async def close(self) -> None:
        """Commit how far the group is, and leave it."""
        try:
            await self._do(self._taking, self._consumer.close)
        finally:
            self._taking.shutdown(wait=False)
            self._others.shutdown(wait=False)

    async def _do(self, where: ThreadPoolExecutor, work: Callable[[], _Result]) -> _Result:
        def told() -> _Result:
            with away_where((KafkaException,), "Kafka"):
                return work()

        if self._fatal is not None:
            raise BrokerAwayError(self._fatal)
        return await asyncio.get_running_loop().run_in_executor(where, told)

    def _dead_letters(self) -> Producer:
        if self._producer is None:
            own: dict[str, Any] = {
                "enable.idempotence": True,
                "acks": "all",
                "error_cb": self._note,
            }
            most = {"message.max.bytes": _MOST_LETTER_BYTES}
            self._producer = Producer({**most, **self._configured, **own})
        return self._producer

    def _look_for(self, name: str, list_topics: Callable[..., Any]) -> None:
        error = list_topics(name, timeout=_PATIENCE_S).topics[name].error
        if error is not None and error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise BrokerError(f"there is no topic {name!r} at Kafka: make it")

    def _given(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        log.info("partitions are given", partitions=sorted(each.partition for each in partitions))
        # What is given while we are paused is not: it is paused again when we next ask.
        self._is_paused = False

    def _taken_away(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        gone = {each.partition for each in partitions}
        log.info("partitions are taken away", partitions=sorted(gone))
        self._early = [each for each in self._early if each.partition() not in gone]

    def _is_one(self, found: Any) -> bool:
        """Return whether what was taken is a message; else it says that something is wrong."""
        error = found.error()
        if error is not None:
            self._note(error)
        return error is None

    def _note(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = f"Kafka: {error.str()}"
        log.warning("Kafka says that something is wrong", error=error.str(), code=error.name())

    def _message(self, sent: Any) -> Message:
        kinds = [value for name, value in sent.headers() or [] if name.lower() == _TYPE and value]
        kind = kinds[-1].decode(errors="replace") if kinds else None
        place = f"{sent.topic()}:{sent.partition()}:{sent.offset()}"
        return Message(sent.value() or b"", kind, place, sent)


def _length(letter: DeadLetter) -> int:
    """Return how long the message of a letter is, as it was found, its key left out."""
    sent = letter.message.delivery
    named = sent.headers() or []
    return len(letter.message.body) + sum(len(name) + len(value or b"") for name, value in named)


async def open_topic(settings: Settings, topic: Topic, tenant: str) -> KafkaSource:
    """Begin to consume a topic for a tenant. Raises as `app.brokers.kafka.properties` and `begin` do."""
    source = KafkaSource(topic, properties(settings), tenant)
    try:
        await source.begin()
    except BaseException:
        await source.close()
        raise
    return source
