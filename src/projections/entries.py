"""What projections fold: events at their positions in a tenant's log."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from eventsourcing.persistence import Notification

from domain.events import Event, decode

K = TypeVar("K", bound=Hashable)
E = TypeVar("E")


Versions = Mapping[str, int]
"""Of each projection the version of the code that a generation is built with."""


class Scope(NamedTuple):
    """Whose read models: a tenant's, in one of their generations."""

    tenant_id: int
    generation: int


class Entry(NamedTuple):
    """An event and its position."""

    position: int
    event: Event


class PoisonError(Exception):
    """An event can't be projected. The projection of its tenant stands still until that is mended."""

    def __init__(self, position: int, reason: Exception) -> None:
        """Name the position and the reason."""
        self.reason = f"{type(reason).__name__}: {reason}"
        super().__init__(f"the event at position {position} can't be projected: {self.reason}")
        self.position = position


def decode_entries(notifications: Iterable[Notification]) -> list[Entry]:
    """Decode a stretch of the log, each event once for all read models. Raises PoisonError."""
    entries = []
    for notification in notifications:
        try:
            event = decode(notification.topic, notification.state)
        except Exception as error:
            raise PoisonError(notification.id, error) from error
        entries.append(Entry(notification.id, event))
    return entries


def group_by(items: Iterable[E], key: Callable[[E], K]) -> dict[K, list[E]]:
    """Group items by a key, in order."""
    groups: dict[K, list[E]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def columns(rows: Sequence[Sequence[object]], names: Sequence[str]) -> dict[str, list[object]]:
    """Turn rows into named columns, the form that `unnest` takes."""
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}
