"""Messages of a stream of NATS JetStream, by a durable pull consumer.

The stream must be there. The consumer is made where there is none of that name, and else taken as it is;
where dead letters go, a stream is made if none keeps their subject.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, PubAck, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from app.brokers.nats import AWAY, connect
from app.brokers.reaching import BrokerAwayError, BrokerError, away_where
from app.consuming.letters import fit
from app.consuming.pulling import Pulling
from app.consuming.source import DeadLetter, Message
from app.settings import Settings

_PATIENCE_S = 30.0
_POLL_S = 0.1
_MOST_SHARING = 16
_TYPE = "type"
_SAME = "Nats-Msg-Id"
# Headers by which a publisher tells the server what to do with a message: not with the letter of it.
_ORDERS = "nats-"


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
        self._most_letter_bytes = client.max_payload
        self._pulling = Pulling(client, stream.name, stream.durable, self._hold)

    async def begin(self) -> None:
        """Let messages come. Raises BrokerAwayError, and BrokerError where something is not as it must be."""
        stream = self._stream
        with away_where(AWAY, "NATS"):
            try:
                await self._context.stream_info(stream.name)
            except NotFoundError:
                raise BrokerError(f"there is no stream {stream.name!r} at NATS: make it") from None
            info = await self._consumer()
            await self._prepare_dead_letters(info)
            await self._pulling.begin()
        self._begin_s = time.monotonic() + self._ack_wait_s + 1

    async def take(self, most: int, wait_s: float) -> list[Message]:
        """Take messages: those that come again first."""
        if self._begin_s is not None and not await self._may_begin():
            await asyncio.sleep(min(wait_s, _POLL_S))
            return []
        more = min(most, self._stream.prefetch - len(self._in_hand))
        with away_where(AWAY, "NATS"):
            found = await self._pulling.take(most, more, wait_s)
        return [self._message(each) for each in found]

    async def keep(self) -> None:
        """Tell that what is in hand is worked on, three times before it would come again."""
        now_s = time.monotonic()
        if now_s - self._kept_s < self._ack_wait_s / 3:
            return
        self._kept_s = now_s
        with away_where(AWAY, "NATS"):
            for message in [*self._in_hand.values()]:
                await message.in_progress()

    async def set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Publish dead letters into their stream, confirmed; of the same one soon again one is kept."""
        with away_where(AWAY, "NATS"):
            for letter in letters:
                await self._publish(letter)

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages, one by one: others may have those between."""
        with away_where(AWAY, "NATS"):
            for message in messages:
                sent: Msg = message.delivery
                await sent.ack()
                self._in_hand.pop(sent.metadata.sequence.stream, None)
            await self._client.flush()

    async def lag(self) -> int | None:
        """Return how many messages the consumer has not been given, or has not acknowledged."""
        with away_where(AWAY, "NATS"):
            info = await self._context.consumer_info(self._stream.name, self._stream.durable)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def close(self) -> None:
        """Give back what is in hand, so that it comes again at once, and let go of the connection."""
        with away_where(AWAY, "NATS"):
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
        filters = _filters(config)
        if stream.subject is not None and filters != [stream.subject]:
            wrong.append(
                f"it consumes {' and '.join(map(repr, filters))}, not the --subject"
                f" {stream.subject!r}: leave that out, or name another --durable"
            )
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
            self._keeper = name
            return
        filters = _filters(info.config)
        if keeper == self._stream.name and any(_matches(each, subject) for each in filters):
            raise BrokerError(
                f"dead letters would come back: their subject {subject!r} is kept by the stream"
                f" {keeper!r} itself, of which {' and '.join(map(repr, filters))} is consumed:"
                " name another by --dead-letters"
            )
        self._keeper = keeper
        bound = (await self._context.stream_info(keeper)).config.max_msg_size or -1
        if bound > 0:
            self._most_letter_bytes = min(bound, self._most_letter_bytes)

    async def _publish(self, letter: DeadLetter) -> None:
        """Publish a dead letter. Raises BrokerAwayError where nothing says that it is stored."""
        sent: Msg = letter.message.delivery
        # A stream that is deleted and made again has the same numbers again.
        since = sent.metadata.timestamp.isoformat()
        same = {_SAME: f"{self._tenant}/{self._stream.durable}/{letter.message.place}/{since}"}
        copied = [
            (name, value)
            for name, value in (sent.headers or {}).items()
            if not name.lower().startswith(_ORDERS)
        ]
        most_bytes = self._most_letter_bytes - len(f"{_SAME}: {same[_SAME]}\r\n".encode())
        kept, own, body = fit(letter, self._tenant, copied, most_bytes)
        named: dict[str, Any] = dict(kept) | own
        told = await self._context.publish(self._stream.dead_letters, body, headers=named | same)
        if told.duplicate and not await self._is_stored(told, body):
            told = await self._context.publish(self._stream.dead_letters, body, headers=named)
        if told.stream != self._keeper or told.seq < 1:
            raise BrokerAwayError(
                f"NATS: the stream {self._keeper!r} does not say that it keeps a dead letter"
            )

    async def _is_stored(self, told: PubAck, body: bytes) -> bool:
        """Return whether what was taken for the same letter is there, and is that."""
        try:
            found = await self._context.get_msg(told.stream, told.seq)
        except NotFoundError:
            return False
        return (found.data or b"") == body

    async def _may_begin(self) -> bool:
        """Return whether all comes again that somebody was given who died: nothing is to overtake it.

        Where others live, who acknowledge what they have, nobody waits for longer than that takes.
        """
        with away_where(AWAY, "NATS"):
            info = await self._context.consumer_info(self._stream.name, self._stream.durable)
        if info.num_ack_pending and self._begin_s and time.monotonic() < self._begin_s:
            return False
        self._begin_s = None
        return True

    def _hold(self, sent: Msg) -> None:
        self._in_hand[sent.metadata.sequence.stream] = sent

    def _message(self, sent: Msg) -> Message:
        number = sent.metadata.sequence.stream
        named = sent.headers or {}
        kind = next((value for name, value in named.items() if name.lower() == _TYPE), None)
        return Message(sent.data, kind, f"{self._stream.name}:{number}", sent)


def _filters(config: ConsumerConfig) -> list[str]:
    """Return the subjects that a consumer is given; `>` is all."""
    one = [config.filter_subject] if config.filter_subject else []
    return [*one, *(config.filter_subjects or [])] or [">"]


def _matches(pattern: str, subject: str) -> bool:
    """Return whether a subject is one of a pattern of NATS, whose tokens may be `*` and, at its end, `>`."""
    wanted, found = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        if len(found) < len(wanted):
            return False
        wanted, found = wanted[:-1], found[: len(wanted) - 1]
    return len(wanted) == len(found) and all(
        each in ("*", token) for each, token in zip(wanted, found, strict=True)
    )


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
