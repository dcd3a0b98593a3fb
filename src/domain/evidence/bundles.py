"""What stands in a bundle of evidence, as text (verifier/FORMAT.md says it byte by byte)."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, json

from domain.evidence.leaves import NO_SALT, CommittedEvent
from domain.evidence.notes import encode_base64

FORMAT = "roundbook-evidence/1"


class Manifest(Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """What a bundle is about: the events `first` to `last`, or those of a stream, in a log of `size`."""

    format: str
    origin: str
    log_id: str
    size: int
    first: int
    last: int
    stream: str | None


class Consistency(Struct, frozen=True):
    """That a tree of another size, with that root, is continued by the bundle's, or continues it."""

    size: int
    root: str
    proof: list[str]


class Since(Struct, frozen=True, rename={"older": "from"}):
    """That the bundle's tree continues an older one."""

    older: int
    root: str
    proof: list[str]


def event_line(event: CommittedEvent) -> bytes:
    """Write the line of an event, its state as it is stored; of one that was erased what committed to it."""
    state = event.state
    if state is None:
        return b'%b"commitment":"%b"}\n' % (_beginning(event), event.committed.hex().encode())
    if b"\n" in state or b"\r" in state:
        data = b'"data_base64":"%b"' % encode_base64(state).encode()
    else:
        data = b'"data":%b' % state
    salt = (event.salt or NO_SALT).hex().encode()
    return b'%b"salt":"%b",%b}\n' % (_beginning(event), salt, data)


def encoded(hashes: Iterable[bytes]) -> list[str]:
    """Write hashes as JSON has them."""
    return [encode_base64(each) for each in hashes]


def _beginning(event: CommittedEvent) -> bytes:
    """Write what each line begins with, up to a comma."""
    return (
        b'{"position":%d,"stream":%b,"version":%d,"type":%b,"recorded_at":%b,"occurred_at":%b,"key":%b,'
        % (
            event.position,
            json.encode(event.stream),
            event.version,
            json.encode(event.topic),
            _time(event.recorded_at),
            b"null" if event.occurred_at is None else _time(event.occurred_at),
            b"null" if event.key is None else b'"%b"' % event.key.hex().encode(),
        )
    )


def _time(moment: datetime) -> bytes:
    """Write a time, which is in UTC as all that comes from the store."""
    return b'"%bZ"' % moment.replace(tzinfo=None).isoformat(timespec="microseconds").encode()
