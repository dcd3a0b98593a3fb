"""Ids may hold anything, in paths and in filters."""

from urllib.parse import quote

import pytest

from tests.queries.asgi import path_of
from tests.queries.casino import Casino, OpenCasino, bet, item

IDS = [
    "a//b",
    "a/b",
    "/a",
    "a/",
    "a",
    "..",
    ".",
    "../a",
    "a/../b",
    "a%2Fb",
    "%",
    "%%",
    "%2F",
    " ",
    "a b",
    "a+b",
    "a?b",
    "a#b",
    "a;b=c",
    "é",
    "\u2028",
    "😀",
    '"',
    "'",
    "\\",
    "\n",
    "null",
    "0",
    "{id}",
    "x" * 255,
    "😀" * 255,
]


@pytest.fixture(scope="module")
def named(new_casino: OpenCasino) -> Casino:
    """A tenant whose players, games and rounds have these ids, one each."""
    casino = new_casino()
    casino.fill([bet(unique_id=name, player_id=name, game_id=name, round_id=name) for name in IDS])
    return casino


@pytest.mark.parametrize("kind", ["players", "games"])
def test_each_id_in_a_path_is_its_own(kind: str, named: Casino) -> None:
    member = "player_id" if kind == "players" else "game_id"
    for name in IDS:
        answer = named.api.get(path_of(kind, name), named.key)
        assert answer.status == 200, name
        assert answer.json[member] == name
        if not {"?", "#"} & set(name):
            spelled_out = f"/api/v1/{kind}/{quote(name, safe='/;=+{}')}"
            assert named.api.get(spelled_out, named.key).json[member] == name, name


@pytest.mark.parametrize("kind", ["players", "games"])
@pytest.mark.parametrize(
    "encoded",
    ["b", "A", "a%252Fb/", "%2520", "a%00", "%00", "%ff", "%ed%a0%80", "a///b", "x" * 2000],
)
def test_other_ids_are_not_found(kind: str, encoded: str, named: Casino) -> None:
    answer = named.api.get(f"/api/v1/{kind}/{encoded}", named.key)
    assert answer.status == 404, answer.body
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("filtered", "member"),
    [
        ("balances", "player_id"),
        ("rounds", "player_id"),
        ("rounds", "game_id"),
        ("rounds", "round_id"),
        ("activity", "game_id"),
    ],
)
def test_each_id_in_a_filter_is_its_own(filtered: str, member: str, named: Casino) -> None:
    for name in IDS:
        assert [row[member] for row in named.items(filtered, **{member: name})] == [name]


def test_each_player_has_a_history_of_its_own(named: Casino) -> None:
    for name in IDS:
        (entry,) = named.items("history", player_id=name)
        assert (entry["data"]["player_id"], entry["stream"]) == (name, f"player:{name}")
        assert named.items("history", game_id=name) == []


def test_players_and_games_come_by_code_points(named: Casino) -> None:
    assert [row["player_id"] for row in named.items("players")] == sorted(IDS)
    assert [row["game_id"] for row in named.items("games")] == sorted(IDS)
    assert [row["player_id"] for row in named.all("balances", 3)] == sorted(IDS)


def test_a_conflict_is_found_by_its_unique_id_whatever_that_is(casino: Casino) -> None:
    casino.send([item("login", unique_id=name, player_id="p") for name in IDS])
    casino.send([item("login", unique_id=name, player_id="q") for name in IDS])
    for number, name in enumerate(IDS, start=1):
        (found,) = casino.items("conflicts", unique_id=name)
        assert (found["unique_id"], found["position"]) == (name, number)
