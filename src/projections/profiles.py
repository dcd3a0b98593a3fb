"""What the tables of players and games have in common: profiles that partial updates are folded into."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from domain.events import GameUpdated, PlayerUpdated
from domain.instant import format_instant
from domain.profile import Profile, Stamp, fold_profile

Update = TypeVar("Update", PlayerUpdated, GameUpdated)

_STAMPS = msgspec.json.Decoder(dict[str, tuple[datetime, str]])


def fold_profiles(
    updates: Mapping[str, Sequence[Update]],
    known: Iterable[Sequence[Any]],
    fields: Sequence[str],
) -> dict[str, Profile]:
    """Fold updates by id into what is known: rows of an id, the stamps, and the value of each field."""
    profiles = {
        each: Profile(dict(zip(fields, values, strict=True)), _STAMPS.decode(stamps))
        for each, stamps, *values in known
    }
    return {each: fold_profile(new, profiles.get(each)) for each, new in updates.items()}


def encode_stamps(stamps: Mapping[str, Stamp]) -> str:
    """Write the stamps of a profile's fields as JSON: {field: [timestamp, unique_id]}."""
    texts = {field: (format_instant(moment), by) for field, (moment, by) in stamps.items()}
    return msgspec.json.encode(texts).decode()
