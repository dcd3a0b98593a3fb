"""What becomes of each item of a batch, given what is recorded of its keys."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.recording.conflicts import Refused, refused
from app.recording.differences import Fingerprints, Pair, compare, fingerprints
from app.recording.known_events import KnownEvents
from app.recording.prepare import Prepared
from app.recording.receipt import Outcome
from domain.fasttrack import PAYLOADS, read, read_data
from domain.item_types import WIRE_TYPES, SentType


class KeyCollisionError(Exception):
    """Two unique_ids have one hash: nothing was recorded, and this must be looked at by people."""


class Judged(NamedTuple):
    """What becomes of each item of a batch: its outcome, and where the event recorded under its id is.

    `new` are the indexes of the items to store, in order, and `refused` those to register. A place is a
    position in the log, or -n for that of the n-th new item; no places at all say that every item is new.
    """

    outcomes: Sequence[Outcome]
    new: Sequence[int]
    refused: Sequence[Refused] = ()
    places: Sequence[int] | None = None

    def positions(self, given: Sequence[int]) -> Sequence[int]:
        """Return each item's position, once the new ones have theirs."""
        if self.places is None:
            return given
        return [place if place > 0 else given[-place - 1] for place in self.places]


def judge(batch: Prepared, known: KnownEvents, hashed_by: Fingerprints = fingerprints) -> Judged:
    """Judge a batch, given the events that are recorded under its keys.

    The first item of a key that has none is new, and the others are compared with it. Raises
    KeyCollisionError, and whatever `hashed_by` does.
    """
    keys = batch.keys
    by_key = known.by_key
    if not by_key and len(set(keys)) == len(keys):
        return Judged(["stored"] * len(keys), range(len(keys)))
    outcomes: list[Outcome] = []
    new: list[int] = []
    places: list[int] = []
    nth: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        event = by_key.get(key)
        if event is not None or key in nth:
            outcomes.append("duplicate")
            places.append(-nth[key] if event is None else event.position)
        else:
            outcomes.append("stored")
            new.append(index)
            nth[key] = len(new)
            places.append(-len(new))
    rejected: list[Refused] = []
    firsts = {key: new[number - 1] for key, number in nth.items()}
    for index, same, fingerprint in compare(_others(batch, known, firsts), hashed_by):
        if not same:
            outcomes[index] = "conflict"
            rejected.append(refused(batch, index, fingerprint))
    return Judged(outcomes, new, rejected, places)


def _others(batch: Prepared, known: KnownEvents, firsts: Mapping[bytes, int]) -> Iterator[Pair]:
    """Find the items that are another text, or of another type, than what stands under their key.

    That is what is recorded, or else the first of the key in the batch. Raises KeyCollisionError.
    """
    for index, key in enumerate(batch.keys):
        event = known.by_key.get(key)
        if event is not None:
            topic, state = event.topic, known.state(event)
            # Of one that was erased nobody knows what it said: whatever comes is a duplicate.
            if not state:
                continue
        elif firsts[key] != index:
            first = firsts[key]
            topic, state = batch.topics[first], batch.state(first)
        else:
            continue
        own = batch.state(index)
        same_type = _sent_as(batch.topics[index]) == _sent_as(topic)
        if not (same_type and own == state):
            _check_ids(batch.unique_ids[index], _unique_id(topic, state))
            yield Pair(index, own, state if same_type else None)


def _sent_as(topic: str) -> tuple[SentType, bool]:
    """Return the type of an item, and whether it is of the dialect: `login` is one in both."""
    return WIRE_TYPES[topic], topic in PAYLOADS


def _check_ids(one: str, other: str) -> None:
    if one != other:
        raise KeyCollisionError(f"{one!r} and {other!r}")


class _Identified(msgspec.Struct):
    # A text first: of a repeated member the last one counts, and those before may be any value.
    unique_id: msgspec.Raw


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def _unique_id(topic: str, state: bytes) -> Any:
    if topic in PAYLOADS:
        return read(PAYLOADS[topic], read_data(state)).unique_id
    return msgspec.json.decode(_IDENTIFIED.decode(state).unique_id)
