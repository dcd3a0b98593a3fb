"""Between events as the log stores them and the domain's recorded events."""

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from domain.decoding import decode
from domain.events import UnknownTopicError
from domain.recorded import RecordedEvent


class EventMapper(Mapper[str]):
    """Reads recorded events by their topics, which are names of the domain's own and never paths.

    It only reads: the stored state is what the client sent, and nothing is ever encoded again.
    """

    def __init__(self) -> None:
        """Needs neither transcoder, compressor nor cipher."""

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Decode one event. Raises the library's MapperDeserialisationError, naming the event."""
        try:
            stream = str(stored_event.originator_id)
            content = decode(stored_event.topic, stored_event.state, stream)
        except (UnknownTopicError, msgspec.MsgspecError) as error:
            raise MapperDeserialisationError(
                f"version {stored_event.originator_version} of {stored_event.originator_id!r}: {error}"
            ) from error
        return RecordedEvent(content, stream, stored_event.originator_version)

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Refuse: events come in through `app.recording`, with the bytes that the client sent."""
        raise NotImplementedError(f"{domain_event.originator_id} is recorded as it was sent")
