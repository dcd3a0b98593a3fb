"""What the tables of players and games have in common: who was seen, and profiles from partial updates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from domain.events import Event, GameUpdated, PlayerUpdated
from domain.instant import as_datetime, format_instant
from domain.profile import Profile, Sighting, Stamp, fold_profile, fold_sighting
from postgres.connections import Connection
from projections.entries import group_by
from projections.reading import find_positions
from projections.upserts import Columns, columns

Update = TypeVar("Update", bound=PlayerUpdated | GameUpdated)


class SetBy(Struct, frozen=True):
    """The update that a field was last set by: its time, its unique_id, and where it stands in the log."""

    timestamp: datetime
    unique_id: str
    position: int


_STAMPS = msgspec.json.Decoder(dict[str, tuple[datetime, str]])


class Folded(NamedTuple, Generic[Update]):
    """When those without updates were seen, when those with, and the updates by id."""

    only_seen: Columns
    seen: Mapping[str, tuple[object, ...]]
    updates: Mapping[str, Sequence[Update]]


def fold_named(
    events: Sequence[Event], updates: Sequence[Update], names: Sequence[str]
) -> Folded[Update]:
    """Fold events that name a player or a game, the updates among them.

    `names` are those of the id, and of the members of a Sighting that are kept.
    """
    id_name, *members = names
    id_of = attrgetter(id_name)
    kept: Callable[[Sighting], tuple[object, ...]] = attrgetter(*members)
    seen = {
        each: kept(fold_sighting(naming))
        for each, naming in group_by(events, map(id_of, events)).items()
    }
    updated = group_by(updates, map(id_of, updates))
    only_seen = [(each, *seen[each]) for each in seen if each not in updated]
    return Folded(columns(only_seen, names), {each: seen[each] for each in updated}, updated)


def fold_profiles(
    updates: Mapping[str, Sequence[Update]],
    known: Iterable[tuple[tuple[str, str], Struct]],
    fields: Sequence[str],
) -> dict[str, Profile]:
    """Fold updates by id into what is known: the id and the stamps, and the values of the fields.

    The profiles have every field, in this order; one that no update named is None.
    """
    profiles = {
        each: Profile(asdict(values), _STAMPS.decode(stamps)) for (each, stamps), values in known
    }
    unknown = Profile(dict.fromkeys(fields), {})
    return {each: fold_profile(new, profiles.get(each, unknown)) for each, new in updates.items()}


def fold_case(name: str) -> str:
    """Fold a name, or a part of one, for searching without regard to case (Unicode, section 3.13)."""
    return name.casefold()


def encode_stamps(stamps: Mapping[str, Stamp]) -> str:
    """Write the stamps of a profile's fields as JSON: {field: [timestamp, unique_id]}."""
    # Mostly all fields were set by a few updates.
    texts = {stamp: (format_instant(stamp[0]), stamp[1]) for stamp in {*stamps.values()}}
    return msgspec.json.encode({field: texts[stamp] for field, stamp in stamps.items()}).decode()


def decode_stamps(stamps: str) -> dict[str, Stamp]:
    """Read what `encode_stamps` wrote."""
    return _STAMPS.decode(stamps)


def set_by(connection: Connection, tenant_id: int, stamps: Mapping[str, Stamp]) -> dict[str, SetBy]:
    """Tell which update each field was last set by; a field that none ever named is left out."""
    positions = find_positions(connection, tenant_id, {by for _, by in stamps.values()})
    return {
        field: SetBy(as_datetime(moment), by, positions[by])
        for field, (moment, by) in stamps.items()
    }
