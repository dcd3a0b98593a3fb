"""What projections fold: events at their positions in a tenant's log."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from eventsourcing.persistence import Notification

from domain.events import Event, RoundEvent, decode

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
E_co = TypeVar("E_co", bound=Event, covariant=True)


Versions = Mapping[str, int]
"""Of each projection the version of the code that a generation is built with."""


class Scope(NamedTuple):
    """Whose read models: a tenant's, in one of their generations."""

    tenant_id: int
    generation: int


class Entry(NamedTuple, Generic[E_co]):
    """An event and its position."""

    position: int
    event: E_co


class Stretch(NamedTuple):
    """A stretch of the log: the bets and wins, which are nearly all of it, and the other events."""

    played: list[Entry[RoundEvent]]
    others: list[Entry[Event]]


class PoisonError(Exception):
    """An event can't be projected. The projection of its tenant stands still until that is mended."""

    def __init__(self, position: int, reason: Exception) -> None:
        """Name the position and the reason."""
        self.reason = f"{type(reason).__name__}: {reason}"
        super().__init__(f"the event at position {position} can't be projected: {self.reason}")
        self.position = position


def decode_stretch(notifications: Iterable[Notification]) -> Stretch:
    """Decode a stretch of the log, each event once for all read models. Raises PoisonError."""
    played, others = [], []
    for notification in notifications:
        try:
            event = decode(notification.topic, notification.state)
        except Exception as error:
            raise PoisonError(notification.id, error) from error
        if isinstance(event, RoundEvent):
            played.append(Entry(notification.id, event))
        else:
            others.append(Entry(notification.id, event))
    return Stretch(played, others)


def group_by(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Group items by a key, in order."""
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def columns(rows: Sequence[Sequence[object]], names: Sequence[str]) -> dict[str, str]:
    """Turn rows into named columns, each the text of an array, which `unnest` takes once it is cast."""
    values = zip(*rows, strict=True)
    return {name: array(column) for name, column in zip(names, values, strict=True)}


def array(values: Iterable[object]) -> str:
    """Write what PostgreSQL reads as an array: several times faster than a list is adapted."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, datetime):
        return value.isoformat()
    return "null" if value is None else str(value)
