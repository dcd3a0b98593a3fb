"""An event in its recorded form: what was said, and where it stands in its stream."""

from msgspec import Struct

from domain.events import Event


class RecordedEvent(Struct, frozen=True):
    """A domain event at its place in a stream; versions count from 1."""

    content: Event
    stream: str
    version: int

    @property
    def originator_id(self) -> str:
        """Name the stream in the words of the `eventsourcing` library."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """Return the version in the words of the `eventsourcing` library."""
        return self.version
