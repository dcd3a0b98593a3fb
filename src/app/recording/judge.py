"""What becomes of each item of a batch, given what is recorded of its keys."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.log.statements import SQL
from app.recording.conflicts import Refused, refused
from app.recording.prepare import Prepared
from app.recording.receipt import Outcome
from domain.item_types import WIRE_TYPES
from domain.json_values import same_value
from postgres.connections import Connection


class KeyCollisionError(Exception):
    """Two unique_ids have one hash: nothing was recorded, and this must be looked at by people."""


class Standing(NamedTuple):
    """The recorded event that stands for a key. A large state is None."""

    position: int
    topic: str
    state: bytes | None


class Judged(NamedTuple):
    """What becomes of each item of a batch: its outcome, and where what stands for it stands.

    `new` are the indexes of the items to store, in order, and `refused` those to register. A place is a
    position in the log, or -n for that of the n-th new item; no places at all say that every item is new.
    """

    outcomes: Sequence[Outcome]
    new: Sequence[int]
    refused: Sequence[Refused] = ()
    places: Sequence[int] | None = None

    def positions(self, given: Sequence[int]) -> Sequence[int]:
        """Give each item's position, once the new ones have theirs."""
        if self.places is None:
            return given
        return [place if place > 0 else given[-place - 1] for place in self.places]


def recorded(
    connection: Connection, tenant_id: int, keys: Sequence[bytes]
) -> dict[bytes, Standing]:
    """Find what is recorded of these keys. Needs no lock: what is recorded stays as it is."""
    parameters = {"tenant_id": tenant_id, "keys": b"".join(dict.fromkeys(keys))}
    found = connection.execute(SQL.recorded_by_key.sql, parameters, binary=True)
    return {key: Standing(position, topic, state) for key, position, topic, state in found}


def judge(
    connection: Connection, tenant_id: int, batch: Prepared, standing: Mapping[bytes, Standing]
) -> Judged:
    """Judge a batch, given the events that stand for its keys; large states are read meanwhile.

    The first item of a key that has none is new, and stands for the others. Raises KeyCollisionError.
    """
    keys = batch.keys
    if not standing and len(set(keys)) == len(keys):
        return Judged(["stored"] * len(keys), range(len(keys)))
    outcomes: list[Outcome] = []
    new: list[int] = []
    rejected: list[Refused] = []
    places: list[int] = []
    nth: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        stands = standing.get(key)
        if stands is not None:
            outcome = _compare_recorded(connection, tenant_id, batch, index, stands)
            places.append(stands.position)
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


def _compare_recorded(
    connection: Connection, tenant_id: int, batch: Prepared, index: int, stands: Standing
) -> Outcome:
    """Compare an item with the event that stands for its key. Raises KeyCollisionError."""
    state = stands.state
    if state is None:
        state = _state_at(connection, tenant_id, stands.position)
    own = batch.state(index)
    same_type = WIRE_TYPES[batch.topics[index]] == WIRE_TYPES[stands.topic]
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


def _state_at(connection: Connection, tenant_id: int, position: int) -> bytes:
    parameters = {"tenant_id": tenant_id, "position": position}
    row = connection.execute(SQL.state_at.sql, parameters, binary=True).fetchone()
    if row is None:
        raise LookupError(f"position {position} is missing in the log")
    state: bytes = row[0]
    return state


class _Identified(msgspec.Struct):
    # A text first: of a repeated member the last one counts, and those before may be any value.
    unique_id: msgspec.Raw


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def _unique_id(state: bytes) -> Any:
    return msgspec.json.decode(_IDENTIFIED.decode(state).unique_id)
