"""Nothing that is simulated is taken for anything else: not for another run, nor for an example."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from app.simulation import Scenario
from app.simulation.cast import make_game, make_player
from app.simulation.items import quoted
from tests.simulation.reading import END, made

ROOT = Path(__file__).parents[2]
RUN = r"[\w-]{8}"
UNIQUE_ID = re.compile(
    rf"{RUN}-[0-9a-f]{{16}}|pay/{RUN}/\d+|login {RUN} \d+|(player|game):{RUN}:\d+"
)
WEEK = Scenario(start=END - timedelta(days=7), end=END)


def ids(scenario: Scenario, events: int, *members: str) -> set[str]:
    return {
        deed.data[member]
        for deed in made(scenario, events)
        for member in members
        if member in deed.data
    }


def shown(member: str) -> Iterator[str]:
    """Ids in the sample day, the demo, the documentation, and the examples of the API's own."""
    name = re.compile(rf"""\b{member}["']?\s*[:=]\s*\(*\s*["']([^"']+)["']""")
    for pattern in ("README.md", "docs/**/*.md", "src/**/*.py", "tests/samples/**/*.json"):
        for path in ROOT.glob(pattern):
            if path.parent.name != "simulation":
                yield from name.findall(path.read_text())


def test_examples_are_found() -> None:
    assert {"bet-r1", "d-1", "p-1-1"} <= set(shown("unique_id"))
    assert {"StQ-1", "P 4 ünïcode"} <= set(shown("player_id"))


def test_no_unique_id_can_be_one_of_an_example() -> None:
    made_up = ids(WEEK, 10_000, "unique_id")
    assert len(made_up) == 10_000
    assert all(UNIQUE_ID.fullmatch(each) for each in made_up)
    assert not [each for each in shown("unique_id") if UNIQUE_ID.fullmatch(each)]


def test_players_and_games_are_others_than_those_of_examples() -> None:
    players = {make_player(number, Random(number), ()).id_json for number in range(20_000)}
    games = {make_game(number).id_json for number in range(2_000)}
    assert len(players) == 20_000
    assert len(games) == 2_000
    assert ids(WEEK, 10_000, "player_id") <= set(map(json.loads, players))
    assert not players & {quoted(each) for each in shown("player_id")}
    assert not games & {quoted(each) for each in shown("game_id")}


@pytest.mark.parametrize(
    ("other", "events"),
    [
        (Scenario(start=WEEK.start, end=END, seed=2), 2_000),
        (Scenario(start=WEEK.start, end=END + timedelta(microseconds=1)), 2_000),
        (Scenario(start=WEEK.start - timedelta(microseconds=1), end=END), 2_000),
        (Scenario(start=WEEK.start), 2_000),
        (Scenario(start=WEEK.start, end=END, players=999), 2_000),
        (Scenario(start=WEEK.start, end=END, games=99), 2_000),
        (Scenario(start=WEEK.start, end=END, late=0.02), 2_000),
        (Scenario(start=WEEK.start, end=END, repeated=0.02), 2_000),
        (Scenario(start=WEEK.start, end=END, conflicting=0.02), 2_000),
        (Scenario(start=WEEK.start, end=END, rolled_back=0.02), 2_000),
        (Scenario(start=WEEK.start, end=END, ended=0.02), 2_000),
        (Scenario(start=WEEK.start, end=END, currencies=("BTC",)), 2_000),
        (WEEK, 2_001),
    ],
    ids=str,
)
def test_whatever_is_different_gives_other_unique_ids_and_rounds(
    other: Scenario, events: int
) -> None:
    """Two runs that shared a unique_id but not its content would be conflicts that nobody asked for."""
    members = ("unique_id", "round_id")
    assert not ids(WEEK, 2_000, *members) & ids(other, events, *members)


def test_players_are_the_same_people_whatever_else_is_different() -> None:
    facts = ("username", "country", "currency", "gender", "operator", "tags")
    one, other = (
        {
            deed.data["player_id"]: [deed.data[fact] for fact in facts]
            for deed in made(scenario, 10_000)
            if "username" in deed.data
        }
        for scenario in (WEEK, msgspec.structs.replace(WEEK, seed=7))
    )
    both = one.keys() & other.keys()
    assert len(both) > 10
    assert all(one[player] == other[player] for player in both)
