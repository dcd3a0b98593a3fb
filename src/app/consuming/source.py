"""What messages are taken from: a queue, a stream or a topic, whatever the broker."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from app.wire.faults import Fault


class Message(NamedTuple):
    """A message: its body, what type of payload it says that it is, if it does, and the broker's own of it.

    `place` is where it was found, in the broker's words, for those who look for it.
    """

    body: bytes
    type: str | None
    place: str
    delivery: Any


class DeadLetter(NamedTuple):
    """A message that can't be recorded, or not all of it, and why; no `faults` are left out silently."""

    message: Message
    faults: Sequence[Fault]


class Source(Protocol):
    """A connection to a broker, for one who takes messages there.

    All raise app.brokers.reaching.BrokerAwayError: then what was taken and is not acknowledged comes again,
    to a source that is opened anew, or to another consumer.
    """

    async def take(self, most: int, wait_s: float) -> list[Message]:
        """Take up to `most` messages, in order; none where none comes for so long."""
        ...

    async def keep(self) -> None:
        """Tell that what was taken is worked on still. Called every second, whatever else is being done."""
        ...

    async def set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Publish messages where dead letters go, and have that confirmed."""
        ...

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let the broker forget messages, the next ones in the order in which they were taken."""
        ...

    async def lag(self) -> int | None:
        """Return how many messages wait, those included that were taken; None where that is not known."""
        ...

    async def close(self) -> None:
        """Give back what was taken and not acknowledged, and let go of the connection."""
        ...
