"""What all targets have in common."""

import asyncio
from typing import Protocol

from app.relay.reading import Message
from app.relay.turns import Due


class DeliveryError(Exception):
    """A target did not confirm a message; the message says why.

    `asked_s`: for how many seconds it asked to be left alone. `is_gone`: it wants nothing any more.
    """

    def __init__(self, why: str, *, asked_s: float | None = None, is_gone: bool = False) -> None:
        super().__init__(why)
        self.asked_s = asked_s
        self.is_gone = is_gone


class Target(Protocol):
    """Where the messages of a subscription go, for as long as there are some."""

    @property
    def most(self) -> int:
        """How many messages may be under way at once."""

    async def send(self, message: Message) -> "asyncio.Future[None]":
        """Hand a message over; the future is done when it is confirmed, or raises DeliveryError.

        Raises DeliveryError where it can't be handed over.
        """

    async def close(self) -> None:
        """Let go of it; nothing is under way any more."""


class Opens(Protocol):
    """Opens the targets of a kind, over connections that they share."""

    async def open(self, due: Due) -> Target:
        """Open the target of a subscription. Raises DeliveryError."""

    async def close(self) -> None:
        """Close the connections."""
