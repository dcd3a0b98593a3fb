"""Profiles built from partial updates: for each field the latest update wins, whatever arrived last."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct

from domain.events import Event, GameUpdated, LoggedIn, PlayerUpdated
from domain.instant import parse_day_or_instant

PLAYER_FIELDS = PlayerUpdated.__struct_fields__[3:]
GAME_FIELDS = GameUpdated.__struct_fields__[3:]

Stamp = tuple[datetime, str]
"""When a field was last set, and by which unique_id: the greater stamp wins."""


class Profile(Struct):
    """The fields of a player or a game that any update named; a cleared one is None."""

    values: dict[str, Any]
    stamps: dict[str, Stamp]


def fold_profile(
    updates: Iterable[PlayerUpdated | GameUpdated], start: Profile | None = None
) -> Profile:
    """Apply partial updates of one player or game, in any order, to a profile, which stays as it was.

    Absent says nothing, null clears, an array replaces the array. `registration_date` becomes a moment.
    """
    values = dict(start.values) if start else {}
    stamps = dict(start.stamps) if start else {}
    for update in updates:
        stamp = (update.timestamp, update.unique_id)
        for field in PLAYER_FIELDS if isinstance(update, PlayerUpdated) else GAME_FIELDS:
            value = getattr(update, field)
            if value is UNSET or (field in stamps and stamps[field] >= stamp):
                continue
            if field == "registration_date" and value is not None:
                value = parse_day_or_instant(value)
            values[field] = value
            stamps[field] = stamp
    return Profile(values, stamps)


class Sighting(Struct, gc=False):
    """When a player or a game was first and last heard of, and a player's logins."""

    first_seen: datetime
    last_seen: datetime
    last_login: datetime | None = None
    logins: int = 0


def fold_sighting(events: Iterable[Event], start: Sighting | None = None) -> Sighting:
    """Add events that name one player or game, in any order, to what was seen, which stays as it was.

    Raises ValueError if there are no events and nothing was seen.
    """
    events = list(events)
    moments: list[datetime] = [event.timestamp for event in events]
    logins: list[datetime] = [event.timestamp for event in events if isinstance(event, LoggedIn)]
    if start is not None:
        moments += [start.first_seen, start.last_seen]
    if not moments:
        raise ValueError("nothing was seen")
    known_login = [start.last_login] if start and start.last_login else []
    return Sighting(
        min(moments),
        max(moments),
        max(logins + known_login, default=None),
        len(logins) + (start.logins if start else 0),
    )
