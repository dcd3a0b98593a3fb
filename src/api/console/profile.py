"""The fields of a profile: their values, and which update set each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.console.past import Past
from api.console.telling import PLAYER_LABELS


class Field(NamedTuple):
    """A field, and the update that set it: its `timestamp`, `unique_id` and, where it is known, `position`.

    `was_other`: it was set again after the time that is shown, and its value then is not known here.
    """

    name: str
    label: str
    value: Any
    set_by: Mapping[str, Any] | None
    was_other: bool


def fields(player: Mapping[str, Any], past: Past) -> list[Field]:
    """List the fields of a player as `/api/v1/players/{player_id}` shows them.

    Of a time in the past a field tells what it was if it was not set since: the latest update wins, so
    what is not later was in force.
    """
    set_by = player.get("set_by", {})
    found = []
    for name, label in PLAYER_LABELS.items():
        update = set_by.get(name)
        is_later = bool(update) and past.is_before(update["timestamp"])
        found.append(Field(name, label, _value(name, player[name]), update, is_later))
    return found


def _value(name: str, value: Any) -> Any:
    """Leave the midnight out that a date of registration without a time is recorded as."""
    return value.removesuffix("T00:00:00Z") if name == "registration_date" and value else value
