"""What becomes of each item of a batch, given what is recorded of its keys."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from app.recording.conflicts import Refused, refused
from app.recording.known_events import KnownEvents
from app.recording.prepare import Prepared
from app.recording.receipt import Outcome
from domain.item_types import WIRE_TYPES
from domain.json_values import same_value


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


def judge(batch: Prepared, known: KnownEvents) -> Judged:
    """Judge a batch, given the events that are recorded under its keys.

    The first item of a key that has none is new, and the others are compared with it. Raises
    KeyCollisionError.
    """
    keys = batch.keys
    by_key = known.by_key
    if not by_key and len(set(keys)) == len(keys):
        return Judged(["stored"] * len(keys), range(len(keys)))
    outcomes: list[Outcome] = []
    new: list[int] = []
    rejected: list[Refused] = []
    places: list[int] = []
    nth: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        event = by_key.get(key)
        if event is not None:
            outcome = _compare_recorded(batch, index, event.topic, known.state(event))
            places.append(event.position)
        elif key in nth:
            outcome = _compare_within(batch, index, new[nth[key] - 1])
            places.append(-nth[key])
        else:
            outcome = "stored"
            new.append(index)
            nth[key] = len(new)
            places.append(-len(new))
        outcomes.append(outcome)
        if outcome == "conflict":
            rejected.append(refused(batch, index))
    return Judged(outcomes, new, rejected, places)


def _compare_recorded(batch: Prepared, index: int, topic: str, state: bytes) -> Outcome:
    """Compare an item with the event recorded under its key. Raises KeyCollisionError.

    Of one that was erased nobody knows what it said: whatever comes is a duplicate, and comes to nothing.
    """
    if not state:
        return "duplicate"
    own = batch.state(index)
    same_type = WIRE_TYPES[batch.topics[index]] == WIRE_TYPES[topic]
    if same_type and own == state:
        return "duplicate"
    _check_ids(batch.unique_ids[index], _unique_id(state))
    return "duplicate" if same_type and same_value(own, state) else "conflict"


def _compare_within(batch: Prepared, index: int, first: int) -> Outcome:
    """Compare an item with the first of the same key in its batch. Raises KeyCollisionError."""
    _check_ids(batch.unique_ids[index], batch.unique_ids[first])
    same_type = WIRE_TYPES[batch.topics[index]] == WIRE_TYPES[batch.topics[first]]
    same = same_type and same_value(batch.state(index), batch.state(first))
    return "duplicate" if same else "conflict"


def _check_ids(one: str, other: str) -> None:
    if one != other:
        raise KeyCollisionError(f"{one!r} and {other!r}")


class _Identified(msgspec.Struct):
    # A text first: of a repeated member the last one counts, and those before may be any value.
    unique_id: msgspec.Raw


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def _unique_id(state: bytes) -> Any:
    return msgspec.json.decode(_IDENTIFIED.decode(state).unique_id)
