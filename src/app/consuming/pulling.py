"""Messages of a pull consumer of NATS JetStream, asked for by their number and their size.

What nats-py fetches is bounded by the number alone, and a server closes the connection, or the client drops
messages, where many large ones come at once. Source: NATS' ADR-13 (pull subscribes).
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.brokers.reaching import BrokerAwayError

_MOST_BYTES = 8 << 20
_EXPIRES_S = 1.0
# When a request is over that the server said nothing more of.
_GIVEN_UP_S = 5.0
# What a message is counted with beside its payload: the subject, and the one to acknowledge it by.
_SUBJECTS_BYTES = 1 << 16
_OVER = {"404", "408"}
_TOO_MANY_BYTES = "Message Size Exceeds MaxBytes"


class Pulling:
    """One request at a time, and what comes for it, each message handed to `note` as it comes."""

    def __init__(
        self, client: Client, stream: str, durable: str, note: Callable[[Msg], None]
    ) -> None:
        """Ask for nothing yet."""
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = client.new_inbox()
        self._note = note
        self._most_bytes = max(_MOST_BYTES, client.max_payload + _SUBJECTS_BYTES)
        self._arrived: deque[Msg] = deque()
        self._news = asyncio.Event()
        self._requests = self._left = self._came = 0
        self._until_s = 0.0
        self._why_not: str | None = None

    async def begin(self) -> None:
        """Let messages come."""
        await self._client.subscribe(
            f"{self._inbox}.*", cb=self._take, pending_bytes_limit=4 * self._most_bytes
        )

    async def take(self, most: int, more: int, wait_s: float) -> list[Msg]:
        """Take up to `most` messages that came; where there are none ask for `more`, and wait.

        Raises BrokerAwayError where the server gives none, and what nats-py raises.
        """
        if not self._arrived:
            self._news.clear()
            if self._why_not is not None:
                raise BrokerAwayError(f"NATS gives no messages: {self._why_not}")
            if not self._client.is_connected:
                raise nats.errors.ConnectionClosedError
            if more > 0 and (self._left <= 0 or time.monotonic() > self._until_s):
                await self._ask(more)
            try:
                await asyncio.wait_for(self._news.wait(), wait_s)
            except TimeoutError:
                return []
        return [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]

    async def _ask(self, more: int) -> None:
        self._requests += 1
        self._left, self._came = more, 0
        self._until_s = time.monotonic() + _EXPIRES_S + _GIVEN_UP_S
        asked = {"batch": more, "max_bytes": self._most_bytes, "expires": int(_EXPIRES_S * 1e9)}
        await self._client.publish(
            self._next, json.dumps(asked).encode(), f"{self._inbox}.{self._requests}"
        )

    async def _take(self, sent: Msg) -> None:
        if not sent.subject.startswith(f"{self._inbox}."):
            self._left -= 1
            self._came += 1
            self._arrived.append(sent)
            self._note(sent)
        elif sent.subject == f"{self._inbox}.{self._requests}":
            # A message of the server's own: the request is over.
            self._left = 0
            said = sent.headers or {}
            status, why = said.get("Status", ""), said.get("Description", "")
            is_full = why == _TOO_MANY_BYTES and self._came > 0
            if status not in _OVER and not is_full:
                self._why_not = f"{status} {why}".rstrip()
        self._news.set()
