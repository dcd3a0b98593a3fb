"""NATS: each event a message of a JetStream stream, which drops one that it has by its id (`Nats-Msg-Id`)."""

import asyncio
import time
from math import inf
from typing import Annotated, NamedTuple

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, json
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.brokers import nats as broker
from app.brokers.reaching import BrokerAwayError, BrokerError
from app.relay.reading import Message
from app.relay.targets.target import DeliveryError
from app.relay.turns import Due
from app.settings import Settings
from domain.relaying import fill

_MOST = 1_000
_PATIENCE_S = 10.0
_TICK_S = 0.25
_NO_RESPONDERS = "503"


class _PubAck(Struct):
    """What a stream answers that has stored a message, or says why not (NATS ADR-1, `pub_ack_response`)."""

    stream: str | UnsetType = UNSET
    seq: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    error: object = UNSET


class _Unconfirmed(NamedTuple):
    """A message that was published, and until when it is waited for."""

    future: "asyncio.Future[None]"
    subject: str
    until_s: float


class Nats:
    """The subjects that a process publishes to, over one connection.

    Confirmations come to an inbox of it, so that waiting for one costs no subscription and no task.
    """

    def __init__(self, settings: Settings) -> None:
        """Connect when it is first needed, and again when that was lost."""
        self._settings = settings
        self._turn = asyncio.Lock()
        self._connection: _Connection | None = None

    async def open(self, due: Due) -> "_Subject":
        """Open a subject. Raises DeliveryError."""
        async with self._turn:
            if self._connection is None or self._connection.is_closed:
                try:
                    client = await broker.connect(self._settings)
                    self._connection = await _Connection.begin(client)
                except (BrokerError, BrokerAwayError, *broker.AWAY) as error:
                    raise DeliveryError(str(error)) from None
            return _Subject(self._connection, due.target)

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


class _Connection:
    """A connection, and what was published by it and is not confirmed yet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._number = 0
        # In the order in which they were published.
        self._unconfirmed: dict[int, _Unconfirmed] = {}
        self._watching = asyncio.create_task(self._watch())

    @classmethod
    async def begin(cls, client: Client) -> "_Connection":
        made = cls(client)
        await client.subscribe(f"{made._inbox}.*", cb=made._confirmed)
        return made

    @property
    def is_closed(self) -> bool:
        return self._client.is_closed

    async def publish(self, subject: str, message: Message) -> "asyncio.Future[None]":
        self._number += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        number = self._number
        until_s = time.monotonic() + _PATIENCE_S
        self._unconfirmed[number] = _Unconfirmed(future, subject, until_s)
        try:
            await self._client.publish(
                subject,
                message.body,
                reply=f"{self._inbox}.{number}",
                headers={"Nats-Msg-Id": message.id},
            )
        except (*broker.AWAY, ValueError) as error:
            self._unconfirmed.pop(number, None)
            raise DeliveryError(f"NATS did not take it: {error!r}") from None
        return future

    async def close(self) -> None:
        self._watching.cancel()
        await self._client.close()
        self._fail("the connection to NATS was closed")

    async def _confirmed(self, answer: Msg) -> None:
        number = int(answer.subject.rpartition(".")[2])
        published = self._unconfirmed.pop(number, None)
        if published is None or published.future.done():
            return
        why = _refusal(answer, published.subject)
        if why is None:
            published.future.set_result(None)
        else:
            published.future.set_exception(DeliveryError(why))

    async def _watch(self) -> None:
        """Give up what is not confirmed in its time, and all at once where the connection is lost."""
        while True:
            await asyncio.sleep(_TICK_S)
            if self._client.is_closed:
                self._fail("the connection to NATS was lost")
                return
            self._fail(f"NATS did not confirm within {_PATIENCE_S:g} s", until_s=time.monotonic())

    def _fail(self, why: str, *, until_s: float = inf) -> None:
        """Fail what is waited for until then at most."""
        for number, published in list(self._unconfirmed.items()):
            if published.until_s > until_s:
                return
            del self._unconfirmed[number]
            if not published.future.done():
                published.future.set_exception(DeliveryError(why))


class _Subject:
    """The subject of a subscription."""

    most = _MOST

    def __init__(self, connection: _Connection, template: str) -> None:
        self._connection = connection
        self._template = template

    async def send(self, message: Message) -> "asyncio.Future[None]":
        """Publish a message."""
        subject = fill(
            self._template, tenant=message.tenant, event=message.event, type_=message.type
        )
        return await self._connection.publish(subject, message)

    async def close(self) -> None:
        """Do nothing: the connection is shared."""


def _refusal(answer: Msg, subject: str) -> str | None:
    """Say why a message was not stored; None where a stream says that it was, and nobody else."""
    if answer.headers and answer.headers.get("Status") == _NO_RESPONDERS:
        return f"no stream of NATS has the subject {subject!r} of the message"
    try:
        said = json.decode(answer.data, type=_PubAck)
    except (DecodeError, ValueError):
        return f"what answers at {subject!r} of NATS is no stream: {answer.data[:200]!r}"
    if said.error is not UNSET:
        described = said.error.get("description") if isinstance(said.error, dict) else None
        return f"NATS refused the message: {described or said.error}"
    if not said.stream or not said.seq:
        return f"what answers at {subject!r} of NATS is no stream: {answer.data[:200]!r}"
    return None
