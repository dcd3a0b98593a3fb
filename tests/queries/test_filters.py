"""Games, facets and players: what each filter lets through."""

from typing import Any

import pytest

from tests.model import Model, assert_same
from tests.queries.casino import Casino, OpenCasino, bet, item


@pytest.fixture(scope="module")
def catalogue(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    casino.fill(
        [
            item(
                "game",
                game_id="g1",
                name="Straße 100%",
                provider="A",
                categories=["slots", "slots", ""],
                features=["x", "y"],
                themes=["sea"],
                device="mobile",
                has_freespins="yes",
            ),
            item("game", game_id="g2", name="ISTANBUL İ", provider="A", categories=["slots"]),
            item("game", game_id="g3", name="a_b", provider="", device="undefined"),
            item("game", game_id="g4", provider="B", has_freespins="unknown", themes=["sea"]),
            bet(game_id="g5"),
        ]
    )
    return casino


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"provider": "A"}, "g1 g2"),
        ({"provider": ""}, "g3"),
        ({"provider": "a"}, ""),
        ({"category": "slots"}, "g1 g2"),
        ({"category": ""}, "g1"),
        ({"category": "slot"}, ""),
        ({"feature": "y"}, "g1"),
        ({"theme": "sea"}, "g1 g4"),
        ({"device": "mobile"}, "g1"),
        ({"device": "undefined"}, "g2 g3 g4 g5"),
        ({"has_freespins": "yes"}, "g1"),
        ({"has_freespins": "no"}, ""),
        ({"has_freespins": "unknown"}, "g2 g3 g4 g5"),
        ({"q": "STRASSE"}, "g1"),
        ({"q": "straße"}, "g1"),
        ({"q": "0%"}, "g1"),
        ({"q": "%"}, "g1"),
        ({"q": "_"}, "g3"),
        ({"q": "aXb"}, ""),
        ({"q": "istan"}, "g2"),
        ({"q": ""}, "g1 g2 g3"),
        ({"provider": "A", "theme": "sea", "q": "s"}, "g1"),
        ({"provider": "B", "q": "s"}, ""),
    ],
)
def test_games(filters: dict[str, str], expected: str, catalogue: Casino) -> None:
    found = catalogue.items("games", **filters)
    assert [row["game_id"] for row in found] == expected.split()
    counted = catalogue.get("facets", **filters).json
    model = Model()
    assert_same("facets", counted, model.facets(found))
    for values in counted.values():
        in_order = sorted(values, key=lambda each: (-each["count"], each["value"]))
        assert values == in_order


def test_facets_of_all_games(catalogue: Casino) -> None:
    assert catalogue.get("facets").json == {
        "provider": [
            {"value": "A", "count": 2},
            {"value": "", "count": 1},
            {"value": "B", "count": 1},
        ],
        "category": [{"value": "slots", "count": 2}, {"value": "", "count": 1}],
        "feature": [{"value": "x", "count": 1}, {"value": "y", "count": 1}],
        "theme": [{"value": "sea", "count": 2}],
        "device": [{"value": "undefined", "count": 4}, {"value": "mobile", "count": 1}],
        "has_freespins": [{"value": "unknown", "count": 4}, {"value": "yes", "count": 1}],
    }


@pytest.fixture(scope="module")
def people(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    profile = {"country": "DE", "currency": "EUR", "affiliate": "a", "operator": "o"}
    casino.fill(
        [
            item("player", player_id="p1", **profile, tags=["vip", "x,y"], is_blocked=False),
            item("player", player_id="p2", country="SE", tags=["vip"], is_blocked=True),
            item("player", player_id="p3", country="", tags=[""], is_blocked=None),
            item("login", player_id="p4"),
        ]
    )
    return casino


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"country": "DE"}, "p1"),
        ({"country": ""}, "p3"),
        ({"currency": "EUR"}, "p1"),
        ({"affiliate": "a"}, "p1"),
        ({"operator": "o"}, "p1"),
        ({"tag": "vip"}, "p1 p2"),
        ({"tag": "x,y"}, "p1"),
        ({"tag": "x"}, ""),
        ({"tag": ""}, "p3"),
        ({"is_blocked": False}, "p1"),
        ({"is_blocked": True}, "p2"),
        ({"tag": "vip", "country": "SE"}, "p2"),
        ({"tag": "vip", "is_blocked": True, "country": "DE"}, ""),
    ],
)
def test_players(filters: dict[str, Any], expected: str, people: Casino) -> None:
    found = people.items("players", **filters)
    assert [row["player_id"] for row in found] == expected.split()


def test_what_is_not_known_of_a_player_is_null(people: Casino) -> None:
    assert people.get("players/p4").json == {
        "player_id": "p4",
        **dict.fromkeys(("username", "registration_date", "country", "currency", "gender")),
        **dict.fromkeys(("affiliate", "operator", "consent_email", "is_blocked")),
        "tags": [],
        "first_seen": "2025-01-15T12:00:00Z",
        "last_seen": "2025-01-15T12:00:00Z",
        "last_login": "2025-01-15T12:00:00Z",
        "logins": 1,
        "set_by": {},
    }


@pytest.mark.parametrize("name", ["country", "currency", "affiliate", "operator"])
def test_texts_of_any_length(name: str, new_casino: OpenCasino) -> None:
    # What an index keeps of them is the same, and all of it would not fit there, however compressed.
    begin = "".join(chr(0x10000 + (number * number) % 60_000) for number in range(255))
    texts = [begin[:-1], begin, begin + "a", begin + "b" * 5_000, begin * 40]
    casino = new_casino()
    casino.fill(
        [
            item("player", player_id=f"p{number}", **{name: text})
            for number, text in enumerate(texts)
        ]
    )
    for number, text in enumerate(texts[:3]):
        found = casino.items("players", **{name: text})
        assert [row["player_id"] for row in found] == [f"p{number}"]
