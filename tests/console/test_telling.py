"""Events in words: what is true of all of them."""

from typing import get_args

from api.console.telling import EVENT_TYPES, GAME_LABELS, PLAYER_LABELS
from domain.item_types import EventType
from domain.profile import GAME_FIELDS, PLAYER_FIELDS


def test_every_type_of_events_can_be_asked_for() -> None:
    assert set(EVENT_TYPES) == set(get_args(EventType))


def test_every_field_has_a_name() -> None:
    assert list(PLAYER_LABELS) == list(PLAYER_FIELDS)
    assert list(GAME_LABELS) == list(GAME_FIELDS)
