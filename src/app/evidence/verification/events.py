"""Whether the columns of an event say what its `data` says, which is what the client sent.

They are what the service finds events by; a service that sealed other ones is found out here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from app.evidence.verification.findings import Code
from domain.events import TYPES
from domain.fasttrack import PAYLOADS, read, read_data, topic_of
from domain.ids import event_key
from domain.instant import parse_datetime
from domain.item_types import ITEM_TYPES, OWN_TYPES
from domain.streams import player_stream
from postgres.binary import micros

Fault = tuple[Code, str]

NO_DATA: Fault = ("line", "data can't be read as an item of its type")
_OTHER_KEY: Fault = ("line", "key is not that of the unique_id in data")
_OTHER_STREAM: Fault = ("line", "the stream is not that of data")
_OTHER_TOPIC: Fault = ("line", "the type is not that of data")
_OTHER_TIME: Fault = ("time", "occurred_at is not the timestamp in data")

_LONGEST_USUAL = len("2025-01-15T12:00:00.123456Z")


class _Said(msgspec.Struct, gc=False):
    """What `data` says that columns repeat; subclasses add the member that the stream is of, and the flag."""

    unique_id: str
    timestamp: str


class _Reader(NamedTuple):
    """How the data of events of a topic is read."""

    decode: Callable[[bytes], Any]
    prefix: str
    flag: bool | None
    """What the member says that tells the topic from another one of the same item type, if one does."""


def _reader(topic: str) -> _Reader:
    entry = ITEM_TYPES[OWN_TYPES[topic]]
    members: list[tuple[str, type, Any]] = [
        ("owner", str, msgspec.field(name=entry.stream.member)),
    ]
    if entry.told_by is not None:
        members.append(("flag", bool, msgspec.field(name=entry.told_by)))
    kind = msgspec.defstruct(f"{topic}Said", members, bases=(_Said,), gc=False)
    flag = None if entry.told_by is None else bool(entry.topics.index(topic))
    return _Reader(msgspec.json.Decoder(kind).decode, entry.stream.prefix, flag)


_READERS = {topic: _reader(topic) for topic in OWN_TYPES}
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def faults_of(
    stream: str, topic: str, key: bytes | None, occurred_at: int | None, state: bytes
) -> Sequence[Fault]:
    """Return what of an event's columns contradicts its state; `occurred_at` in microseconds since 2000.

    An event without key and time is none that a client sent, and its state says nothing about columns. Of
    a type that this version doesn't know nothing can be said but that: no read model goes beyond it.
    """
    if topic in PAYLOADS:
        return _faults_in_dialect(stream, topic, key, occurred_at, state)
    reader = _READERS.get(topic)
    if reader is None and topic not in TYPES:
        return (("line", f"its type {topic!r} is none that this version knows"),)
    if reader is None or (key is None and occurred_at is None):
        return ()
    try:
        said = _read(reader, state)
        own_key = event_key(said.unique_id)
        happened_at = micros(_moment(said.timestamp))
    except (ValueError, OverflowError):
        return (NO_DATA,)
    is_sound = (
        own_key == key and happened_at == occurred_at and reader.prefix + said.owner == stream
    )
    if is_sound and (reader.flag is None or said.flag is reader.flag):
        return ()
    faults = {
        _OTHER_KEY: own_key != key,
        _OTHER_TIME: happened_at != occurred_at,
        _OTHER_STREAM: reader.prefix + said.owner != stream,
        _OTHER_TOPIC: reader.flag is not None and said.flag is not reader.flag,
    }
    return [fault for fault, is_there in faults.items() if is_there]


def _faults_in_dialect(
    stream: str, topic: str, key: bytes | None, occurred_at: int | None, state: bytes
) -> Sequence[Fault]:
    try:
        payload, data = PAYLOADS[topic], read_data(state)
        said = read(payload, data)
        faults = {
            _OTHER_KEY: event_key(said.unique_id) != key,
            _OTHER_TIME: micros(said.timestamp) != occurred_at,
            _OTHER_STREAM: player_stream(said.player_id) != stream,
            _OTHER_TOPIC: topic_of(payload, data) != topic,
        }
    except (ValueError, LookupError, OverflowError):
        return (NO_DATA,)
    return [fault for fault, is_there in faults.items() if is_there]


def _read(reader: _Reader, state: bytes) -> Any:
    try:
        return reader.decode(state)
    except msgspec.ValidationError:
        # Of a repeated member the last one counts, but the decoder looks at each.
        return reader.decode(msgspec.json.encode(_members(state)))


def _moment(text: str) -> datetime:
    # In the usual form, which `fromisoformat` reads as exactly, and in a third of the time.
    if len(text) <= _LONGEST_USUAL and text[-1:] == "Z":
        return datetime.fromisoformat(text)
    return parse_datetime(text)
