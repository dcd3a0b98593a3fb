"""What the log already holds under the unique_ids of a batch."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from app.log.statements import SQL
from postgres.connections import Connection
from postgres.rows import fetch_one, fetch_pairs


class KnownEvent(NamedTuple):
    """The event recorded under a unique_id. A large `state` is None until it is asked for.

    That of an event that was erased is empty.
    """

    position: int
    topic: str
    state: bytes | None


class KnownEvents(Protocol):
    """Recorded events by their keys, as judging a batch asks for them."""

    @property
    def by_key(self) -> Mapping[bytes, KnownEvent]:
        """The events, by the hash of their unique_id."""

    def state(self, event: KnownEvent) -> bytes:
        """Return the event's `data` as it was sent, whatever its size; nothing if it was erased."""


class RecordedEvents:
    """The known events of a tenant's log. Needs no lock: what is recorded stays as it is, or is erased."""

    def __init__(self, connection: Connection, tenant_id: int) -> None:
        """Know none yet; read through `connection`."""
        self._connection = connection
        self._tenant_id = tenant_id
        self.by_key: dict[bytes, KnownEvent] = {}

    def look_up(self, keys: Sequence[bytes]) -> None:
        """Learn which of these keys are recorded, and as what."""
        parameters = {"tenant_id": self._tenant_id, "keys": b"".join(dict.fromkeys(keys))}
        found = fetch_pairs(
            self._connection, SQL.recorded_by_key, parameters, "key", KnownEvent, binary=True
        )
        self.by_key = dict(found)

    def state(self, event: KnownEvent) -> bytes:
        """Return the event's `data`; a large one is read now. Raises LookupError if the event is gone."""
        if event.state is not None:
            return event.state
        parameters = {"tenant_id": self._tenant_id, "position": event.position}
        state = fetch_one(self._connection, SQL.state_at, parameters, bytes, binary=True)
        if state is None:
            raise LookupError(f"position {event.position} is missing in the log")
        return state
