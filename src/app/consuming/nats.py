"""Messages of a stream of NATS JetStream, by a durable pull consumer.

The stream must be there. The consumer is made where there is none of that name, and else taken as it is;
where dead letters go, a stream is made if none keeps their subject.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from app.brokers.nats import connect
from app.brokers.reaching import BrokerAwayError, BrokerError
from app.consuming.letters import headers
from app.consuming.source import DeadLetter, Message
from app.settings import Settings

_PATIENCE_S = 30.0
_POLL_S = 0.1
_MOST_SHARING = 16
_TYPE = "type"


class Stream(NamedTuple):
    """A stream, the consumer of it, and where its dead letters go.

    `subject` filters, where the consumer is made. What is neither acknowledged nor kept within `ack_wait_s`
    comes again; `prefetch` bounds how many messages are in hand.
    """

    name: str
    durable: str
    subject: str | None
    dead_letters: str
    prefetch: int
    ack_wait_s: float


class NatsSource:
    """Messages of a stream, in its order."""

    def __init__(self, client: Client, stream: Stream, tenant: str) -> None:
        """Take nothing yet."""
        self._client = client
        self._context = client.jetstream(timeout=_PATIENCE_S)
        self._stream = stream
        self._tenant = tenant
        self._ack_wait_s = stream.ack_wait_s
        self._in_hand: dict[int, Msg] = {}
        self._kept_s = time.monotonic()
        self._begin_s: float | None = None

    async def begin(self) -> None:
        """Let messages come. Raises BrokerAwayError, and BrokerError where something is not as it must be."""
        stream = self._stream
        async with _told():
            try:
                await self._context.stream_info(stream.name)
            except NotFoundError:
                raise BrokerError(f"there is no stream {stream.name!r} at NATS: make it") from None
            info = await self._consumer()
            await self._prepare_dead_letters(info)
            self._pulling: JetStreamContext.PullSubscription = (
                await self._context.pull_subscribe_bind(durable=stream.durable, stream=stream.name)
            )
        self._begin_s = time.monotonic() + self._ack_wait_s + 1

    async def take(self, most: int, wait_s: float) -> list[Message]:
        """Take messages: those that come again first."""
        if self._begin_s is not None and not await self._may_begin():
            await asyncio.sleep(min(wait_s, _POLL_S))
            return []
        most = min(most, self._stream.prefetch - len(self._in_hand))
        if most <= 0:
            await asyncio.sleep(wait_s)
            return []
        async with _told():
            try:
                found = await self._pulling.fetch(most, timeout=max(wait_s, _POLL_S))
            except TimeoutError:
                if not self._client.is_connected:
                    raise nats.errors.ConnectionClosedError from None
                return []
        return [self._message(each) for each in found]

    async def keep(self) -> None:
        """Tell that what is in hand is worked on, three times before it would come again."""
        now_s = time.monotonic()
        if now_s - self._kept_s < self._ack_wait_s / 3:
            return
        self._kept_s = now_s
        async with _told():
            for message in [*self._in_hand.values()]:
                await message.in_progress()

    async def set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Publish dead letters into their stream, confirmed; of the same one soon again one is kept."""
        async with _told():
            for letter in letters:
                sent: Msg = letter.message.delivery
                own = headers(letter, self._tenant)
                same = {"Nats-Msg-Id": letter.message.place}
                await self._context.publish(
                    self._stream.dead_letters,
                    sent.data,
                    timeout=_PATIENCE_S,
                    headers={**(sent.headers or {}), **own, **same},
                )

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages, one by one: others may have those between."""
        async with _told():
            for message in messages:
                sent: Msg = message.delivery
                await sent.ack()
                self._in_hand.pop(sent.metadata.sequence.stream, None)
            await self._client.flush()

    async def lag(self) -> int | None:
        """Return how many messages the consumer has not been given, or has not acknowledged."""
        async with _told():
            info = await self._context.consumer_info(self._stream.name, self._stream.durable)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def close(self) -> None:
        """Give back what is in hand, so that it comes again at once, and let go of the connection."""
        async with _told():
            try:
                for message in self._in_hand.values():
                    await message.nak()
                await self._client.flush()
            finally:
                await self._client.close()

    async def _consumer(self) -> ConsumerInfo:
        """Find the consumer, or make it. Raises BrokerError for one that can't be relied on."""
        stream = self._stream
        try:
            info: Any = await self._context.consumer_info(stream.name, stream.durable)
        except NotFoundError:
            info = await self._context.add_consumer(
                stream.name,
                ConsumerConfig(
                    durable_name=stream.durable,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=stream.ack_wait_s,
                    max_ack_pending=_MOST_SHARING * stream.prefetch,
                    max_deliver=-1,
                    filter_subject=stream.subject,
                ),
            )
        config, wrong = info.config, []
        if config.ack_policy != AckPolicy.EXPLICIT:
            wrong.append("it must acknowledge explicitly")
        if config.deliver_subject is not None:
            wrong.append("it must be pulled from")
        if (config.max_deliver or -1) > 0:
            wrong.append("it must deliver a message as often as it takes (max_deliver -1)")
        if wrong:
            raise BrokerError(f"the consumer {stream.durable!r} at NATS: {', '.join(wrong)}")
        self._ack_wait_s = config.ack_wait or stream.ack_wait_s
        found: ConsumerInfo = info
        return found

    async def _prepare_dead_letters(self, info: ConsumerInfo) -> None:
        subject = self._stream.dead_letters
        try:
            keeper = await self._context.find_stream_name_by_subject(subject)
        except NotFoundError:
            name = "".join(each if each.isalnum() or each in "-_" else "-" for each in subject)
            config = StreamConfig(name=name, subjects=[subject], storage=StorageType.FILE)
            await self._context.add_stream(config)
            return
        if keeper == self._stream.name and not info.config.filter_subject:
            raise BrokerError(
                f"dead letters would come back: their subject {subject!r} is kept by the stream"
                f" {keeper!r} itself, of which all is consumed"
            )

    async def _may_begin(self) -> bool:
        """Return whether all comes again that somebody was given who died: nothing is to overtake it.

        Where others live, who acknowledge what they have, nobody waits for longer than that takes.
        """
        async with _told():
            info = await self._context.consumer_info(self._stream.name, self._stream.durable)
        if info.num_ack_pending and self._begin_s and time.monotonic() < self._begin_s:
            return False
        self._begin_s = None
        return True

    def _message(self, sent: Msg) -> Message:
        number = sent.metadata.sequence.stream
        self._in_hand[number] = sent
        named = sent.headers or {}
        kind = next((value for name, value in named.items() if name.lower() == _TYPE), None)
        return Message(sent.data, kind, f"{self._stream.name}:{number}", sent)


async def open_stream(settings: Settings, stream: Stream, tenant: str) -> NatsSource:
    """Begin to consume a stream for a tenant. Raises as `app.brokers.nats.connect` and `begin` do."""
    client = await connect(settings)
    source = NatsSource(client, stream, tenant)
    try:
        await source.begin()
    except BaseException:
        await client.close()
        raise
    return source


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Raise BrokerAwayError for what the library raises where the server is gone."""
    try:
        yield
    except (nats.errors.Error, APIError, OSError, TimeoutError) as error:
        raise BrokerAwayError(f"NATS: {str(error) or type(error).__name__}") from error
