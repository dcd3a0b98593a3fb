"""What projections fold: events at their positions in a tenant's log."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from eventsourcing.persistence import Notification

from domain.decoding import decode
from domain.events import Event, RoundEvent
from domain.gaming_day import UTC_DAYS, GamingDays

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
E = TypeVar("E", bound=Event)


Versions = Mapping[str, int]
"""Of each projection the version of the code that a generation is built with."""


class Scope(NamedTuple):
    """Whose read models: a tenant's, in one of their generations."""

    tenant_id: int
    generation: int


class Entries(NamedTuple, Generic[E]):
    """Events and the position of each."""

    positions: list[int]
    events: list[E]

    def add(self, position: int, event: E) -> None:
        """Add the next one."""
        self.positions.append(position)
        self.events.append(event)


class Stretch(NamedTuple):
    """A stretch of the log: bets, wins and rollbacks, which are nearly all of it, and the other events.

    `days` are those by which its tenant counts.
    """

    played: Entries[RoundEvent]
    others: Entries[Event]
    days: GamingDays = UTC_DAYS

    @property
    def last(self) -> int:
        """The last position; 0 where there is none."""
        ends = (self.played.positions[-1:], self.others.positions[-1:])
        return max((position for end in ends for position in end), default=0)


class PoisonError(Exception):
    """An event can't be projected. The projection of its tenant stands still until that is mended."""

    def __init__(self, position: int, reason: Exception) -> None:
        """Name the position and the reason."""
        self.reason = f"{type(reason).__name__}: {reason}"
        super().__init__(f"the event at position {position} can't be projected: {self.reason}")
        self.position = position


def decode_stretch(notifications: Iterable[Notification], days: GamingDays = UTC_DAYS) -> Stretch:
    """Decode a stretch of the log, each event once for all read models. Raises PoisonError."""
    played, others = Entries[RoundEvent]([], []), Entries[Event]([], [])
    for notification in notifications:
        try:
            event = decode(notification.topic, notification.state, str(notification.originator_id))
        except Exception as error:
            raise PoisonError(notification.id, error) from error
        if isinstance(event, RoundEvent):
            played.add(notification.id, event)
        else:
            others.add(notification.id, event)
    return Stretch(played, others, days)


def group_by(items: Iterable[T], keys: Iterable[K]) -> dict[K, list[T]]:
    """Group items by the key of each, in order."""
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for key, item in zip(keys, items, strict=True):
        groups[key].append(item)
    return groups


def group_entries(entries: Entries[E], keys: Iterable[K]) -> dict[K, Entries[E]]:
    """Group events and their positions by the key of each, in order."""
    groups: dict[K, Entries[E]] = {}
    for key, position, event in zip(keys, entries.positions, entries.events, strict=True):
        known = groups.get(key)
        if known is None:
            groups[key] = Entries([position], [event])
        else:
            positions, events = known
            positions.append(position)
            events.append(event)
    return groups
