"""The facets of the catalogue as links: each adds a filter to the address of the page, or takes it away."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api.console.profile import UNDEFINED
from api.console.visits import Visit

LABELS: Mapping[str, str] = {
    "provider": "Provider",
    "category": "Category",
    "feature": "Feature",
    "theme": "Theme",
    "device": "Device",
    "has_freespins": "Free spins",
}
"""What games can be filtered by, and what that is called."""

_WORDS = {
    "device": {UNDEFINED: "Not known"},
    "has_freespins": {"yes": "Yes", "no": "No", "unknown": "Not known"},
}
_FIRST = 8
_MOST = 500


class Chosen(NamedTuple):
    """What games are filtered by, and the address at which they no longer are."""

    name: str
    value: str
    text: str
    address: str


class Choice(NamedTuple):
    """A value of a facet: how many games have it, and the address at which it is chosen, or no longer is."""

    value: str
    text: str
    games: int
    is_chosen: bool
    address: str


class Facet(NamedTuple):
    """A facet with its values, the most frequent first.

    `left_out` values are not among them; `more` is the address at which they are, None where that is here or
    they are too many. `fewer` is the address without them again.
    """

    name: str
    label: str
    choices: Sequence[Choice]
    left_out: int
    more: str | None
    fewer: str | None


def chosen(visit: Visit) -> list[Chosen]:
    """Return what the games are filtered by."""
    given = [(name, label, visit.parameter(name)) for name, label in LABELS.items()]
    return [
        Chosen(name, value, f"{label}: {_text(name, value)}", _without(visit, name))
        for name, label, value in [*given, ("q", "Name", visit.parameter("q"))]
        if value
    ]


def facets(visit: Visit, counted: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Facet]:
    """Return the facets that the games have, as `/api/v1/facets` counts them."""
    return [_facet(visit, name, counted[name]) for name in LABELS if counted[name]]


def games_in(counted: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """Return how many games were counted: each has one device, if only one that is not known."""
    return sum(each["count"] for each in counted["device"])


def _facet(visit: Visit, name: str, counted: Sequence[Mapping[str, Any]]) -> Facet:
    is_whole = visit.parameter("more") == name
    shown = counted[: _MOST if is_whole else _FIRST]
    now = visit.parameter(name)
    # One that is chosen is among the first: it can be taken away wherever it stands.
    shown = sorted(shown, key=lambda each: each["value"] != now)
    if now and all(each["value"] != now for each in shown):
        shown = [*(each for each in counted if each["value"] == now), *shown]
    return Facet(
        name,
        LABELS[name],
        [_choice(visit, name, each, now) for each in shown],
        len(counted) - len(shown),
        None if is_whole or len(counted) == len(shown) else visit.here(more=name),
        visit.here(more=None) if is_whole and len(counted) > _FIRST else None,
    )


def _choice(visit: Visit, name: str, counted: Mapping[str, Any], now: str) -> Choice:
    value, is_chosen = counted["value"], counted["value"] == now
    address = _without(visit, name) if is_chosen else visit.here(cursor=None, **{name: value})
    return Choice(value, _text(name, value), counted["count"], is_chosen, address)


def _text(name: str, value: str) -> str:
    return _WORDS.get(name, {}).get(value, value)


def _without(visit: Visit, name: str) -> str:
    return visit.here(cursor=None, **{name: None})
