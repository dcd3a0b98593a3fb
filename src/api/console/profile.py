"""The fields of a profile: their values, and which update set each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.console.past import Past
from api.console.rendering import percent

UNDEFINED = "undefined"
"""What the API says of a game's device where it is not known."""


class Field(NamedTuple):
    """A field, and the update that set it: its `timestamp`, `unique_id` and, where it is known, `position`.

    `was_other`: it was set again after the time that is shown, and its value then is not known here.
    """

    name: str
    label: str
    value: Any
    set_by: Mapping[str, Any] | None
    was_other: bool


def fields(known: Mapping[str, Any], labels: Mapping[str, str], past: Past) -> list[Field]:
    """List the fields of a player or a game as the API shows them, by what they are called.

    Of a time in the past a field tells what it was if it was not set since: the latest update wins, so
    what is not later was in force.
    """
    set_by = known.get("set_by", {})
    found = []
    for name, label in labels.items():
        update = set_by.get(name)
        is_later = bool(update) and past.is_before(update["timestamp"])
        found.append(Field(name, label, _value(name, known[name]), update, is_later))
    return found


def _value(name: str, value: Any) -> Any:
    """Return a value as a person reads it, None where it is not known."""
    if value is None:
        return None
    match name:
        case "registration_date":  # a date without a time is recorded as its midnight
            return value.removesuffix("T00:00:00Z")
        case "device":
            return None if value == UNDEFINED else value
        case "has_freespins":
            return {"yes": True, "no": False}.get(value)
        case "theoretical_rtp":
            return percent(value)
    return value
