"""Pages of profiles of any size: bounded in bytes, and together whole."""

from typing import Any

import pytest

from projections.models import rounds
from tests.queries.casino import Casino, bet, item

LARGE = "x" * 1_500_000


def test_a_page_of_large_players_is_bounded_in_bytes(casino: Casino) -> None:
    for number in range(6):
        casino.send([item("player", unique_id=f"u{number}", player_id=f"p{number}", tags=[LARGE])])
    casino.project()
    pages: list[list[dict[str, Any]]] = list(casino.walk("players", 100))
    assert [row["player_id"] for page in pages for row in page] == [f"p{n}" for n in range(6)]
    assert [len(page) for page in pages] == [3, 3]


def test_a_page_of_large_games_is_bounded_in_bytes(casino: Casino) -> None:
    for number in range(6):
        casino.send([item("game", unique_id=f"u{number}", game_id=f"g{number}", name=LARGE)])
    casino.project()
    pages: list[list[dict[str, Any]]] = list(casino.walk("games", 100))
    assert [row["game_id"] for page in pages for row in page] == [f"g{n}" for n in range(6)]
    assert [len(page) for page in pages] == [3, 3]


def test_a_page_of_one_enormous_player_goes_on_behind_it(casino: Casino) -> None:
    for number in range(2):
        tags = [LARGE + str(part) for part in range(4)]
        casino.send([item("player", unique_id=f"u{number}", player_id=f"p{number}", tags=tags)])
    casino.project()
    pages: list[list[dict[str, Any]]] = list(casino.walk("players", 100))
    assert [[row["player_id"] for row in page] for page in pages] == [["p0"], ["p1"]]


def test_a_page_of_rounds_with_many_bets_is_bounded_in_bytes(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PAGE_BYTES", 10_000)
    for player in range(6):
        casino.send([bet(player_id=f"p{player}", round_id="r") for _ in range(10)])
    casino.project()
    pages: list[list[dict[str, Any]]] = list(casino.walk("rounds", 100, round_id="r"))
    assert [len(page) for page in pages] == [2, 2, 2]
    found = [row for page in pages for row in page]
    assert {row["player_id"] for row in found} == {f"p{player}" for player in range(6)}
    assert all(len(row["bets"]) == 10 for row in found)
    # Where no round is named, none of that is shown, and all fit.
    assert len(casino.items("rounds")) == 6
