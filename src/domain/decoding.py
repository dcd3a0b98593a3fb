"""Recorded events of whatever dialect, decoded."""

from domain import events, fasttrack
from domain.events import Event


def decode(topic: str, state: bytes, stream: str = "") -> Event:
    """Decode an event from its recorded state, as `domain.events.decode` says, in the dialect of its topic.

    Raises as that does, and ValueError for a state in a dialect that holds no such event.
    """
    if topic in fasttrack.PAYLOADS:
        return fasttrack.decode(topic, state, stream)
    return events.decode(topic, state, stream)


def topics_of(kind: type[Event]) -> list[str]:
    """Return the topics under which events of a type are recorded, in every dialect."""
    own = [topic for topic, event in events.TYPES.items() if event is kind]
    return own + [
        topic for topic in (kind.__name__ + fasttrack.SUFFIX,) if topic in fasttrack.PAYLOADS
    ]
