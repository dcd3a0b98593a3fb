"""Which update each field of a profile has its value of, as it is and as it was."""

from typing import Any

import pytest

from domain.profile import GAME_FIELDS, PLAYER_FIELDS
from tests.model import instant
from tests.queries.asgi import path_of
from tests.queries.casino import Casino, OpenCasino, bet, item
from tests.queries.past import GAMES, PLAYERS, Past


def at(minute: int) -> str:
    return f"2025-01-15T12:{minute:02}:00Z"


def told(casino: Casino, path: str, **asked: Any) -> dict[str, tuple[str, int]]:
    answer = casino.get(path, **asked)
    assert answer.status == 200, answer.body
    return {field: (by["unique_id"], by["position"]) for field, by in answer.json["set_by"].items()}


def test_the_latest_by_time_is_named_whatever_arrived_last(casino: Casino) -> None:
    def update(unique_id: str, minute: int, **fields: Any) -> Any:
        return item("player", unique_id=unique_id, player_id="p", timestamp=at(minute), **fields)

    casino.fill(
        [
            update("late", 5, username="late", country="MT"),
            update("early", 1, username="early", tags=["vip"]),
            update("cleared", 6, country=None),
            update("a", 7, gender="M"),
            update("b", 7, gender="F"),
        ]
    )
    expected = {
        "username": ("late", 1),
        "tags": ("early", 2),
        "country": ("cleared", 3),
        "gender": ("b", 5),
    }
    assert told(casino, "players/p") == told(casino, "players/p", at_position=5) == expected
    assert told(casino, "players/p", at_position=1) == {
        "username": ("late", 1),
        "country": ("late", 1),
    }


def test_who_was_only_seen_has_none(casino: Casino) -> None:
    casino.fill([bet()])
    assert told(casino, "players/p") == told(casino, "games/g") == {}


def test_a_list_of_profiles_has_none_as_it_would_look_each_up(casino: Casino) -> None:
    casino.fill([item("player", player_id="p", username="n"), item("game", game_id="g", name="n")])
    assert "set_by" not in casino.items("players")[0]
    assert "set_by" not in casino.items("games")[0]


@pytest.fixture(scope="module")
def past(new_casino: OpenCasino) -> Past:
    found = Past(new_casino(), seed=7)
    found.casino.project(chunk_events=37)
    return found


@pytest.mark.parametrize(
    ("kind", "names", "fields"),
    [("player", PLAYERS, PLAYER_FIELDS), ("game", GAMES, GAME_FIELDS)],
)
def test_each_field_is_of_the_greatest_update_that_names_it(
    kind: str, names: tuple[str, ...], fields: tuple[str, ...], past: Past
) -> None:
    for name in names:
        updates = [
            entry
            for entry in past.model.log.entries
            if entry.event == kind and entry.data[f"{kind}_id"] == name
        ]
        expected = {
            field: max(naming, key=lambda entry: (entry.at, entry.unique_id))
            for field in fields
            if (naming := [entry for entry in updates if field in entry.data])
        }
        answer = past.casino.api.get(path_of(f"{kind}s", name), past.casino.key)
        assert expected
        assert {
            field: (instant(by["timestamp"]), by["unique_id"], by["position"])
            for field, by in answer.json["set_by"].items()
        } == {
            field: (entry.at, entry.unique_id, entry.position) for field, entry in expected.items()
        }
