"""Rounds, transactions and balances: what each filter lets through, and their amounts."""

import json
from typing import Any

import pytest

from tests.queries.casino import Casino, OpenCasino, bet, deposit


@pytest.fixture(scope="module")
def played(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    at = "2025-01-15T12:00:0{}Z".format
    casino.fill(
        [
            bet(round_id="open", timestamp=at(1)),
            bet(round_id="settled", timestamp=at(2), game_id="g2"),
            bet(round_id="settled", timestamp=at(5), game_id="g2", is_win=True, amount=0),
            bet(round_id="unmatched", timestamp=at(3), is_win=True, player_id="p2"),
            bet(round_id="mixed", timestamp=at(4), currency="BTC", amount=1e-18),
            bet(round_id="mixed", timestamp=at(4), currency="EUR", is_bonus=True),
            bet(round_id="mixed", timestamp=at(6), is_win=True, amount=2),
        ]
    )
    return casino


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "mixed unmatched settled open"),
        ({"status": "open"}, "open"),
        ({"status": "settled"}, "mixed settled"),
        ({"status": "unmatched"}, "unmatched"),
        ({"mixed_currency": True}, "mixed"),
        ({"mixed_currency": False}, "unmatched settled open"),
        ({"player_id": "p2"}, "unmatched"),
        ({"game_id": "g2"}, "settled"),
        ({"game_id": "g2", "player_id": "p2"}, ""),
        ({"round_id": "mixed"}, "mixed"),
        ({"from_": "2025-01-15T12:00:03Z"}, "mixed unmatched"),
        ({"to": "2025-01-15T12:00:03Z"}, "settled open"),
        ({"from_": "2025-01-15T12:00:02Z", "to": "2025-01-15T12:00:04Z"}, "unmatched settled"),
        ({"from_": "2025-01-15T12:00:04Z", "to": "2025-01-15T12:00:04Z"}, ""),
        (
            {"from_": "2025-01-15T12:00:02Z", "status": "settled", "mixed_currency": False},
            "settled",
        ),
    ],
)
def test_rounds(filters: dict[str, Any], expected: str, played: Casino) -> None:
    assert [row["round_id"] for row in played.items("rounds", **filters)] == expected.split()


def test_a_round_in_two_currencies_keeps_its_sums_apart(played: Casino) -> None:
    (found,) = played.items("rounds", round_id="mixed")
    sums = dict.fromkeys(("bet_real", "bet_bonus", "win_real", "win_bonus"), "0")
    rolled_back = {**sums, "bets": 0, "wins": 0}
    none = {**sums, "net_real": "0", "net_bonus": "0", "rolled_back": rolled_back}
    tiny = "0.000000000000000001"
    assert found["sums"] == [
        {"currency": "BTC", **none, "bet_real": tiny, "net_real": "-" + tiny},
        {
            "currency": "EUR",
            **none,
            "bet_bonus": "1",
            "win_real": "2",
            "net_real": "2",
            "net_bonus": "-1",
        },
    ]
    assert [each["position"] for each in found["bets"]] == [5, 6]
    assert [each["amount"] for each in found["bets"]] == [tiny, "1"]
    assert found["wins"][0]["timestamp"] == "2025-01-15T12:00:06Z"


def test_a_round_of_very_many_bets_is_whole(casino: Casino) -> None:
    moves = [bet(unique_id=f"u{number:04}") for number in range(2_500)]
    casino.send(moves)
    casino.project(chunk_events=700)
    (found,) = casino.items("rounds", round_id="r")
    assert [each["unique_id"] for each in found["bets"]] == [f"u{n:04}" for n in range(2_500)]
    assert found["wins"] == []


@pytest.fixture(scope="module")
def paid(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    at = "2025-01-15T12:00:0{}Z".format
    casino.fill(
        [
            deposit(unique_id="d1", timestamp=at(1), amount_eur=1.5, method="a b"),
            deposit(unique_id="d2", timestamp=at(3), currency="SEK", amount_eur=0),
            {**deposit(unique_id="w1", timestamp=at(2), player_id="p2"), "event": "withdraw"},
        ]
    )
    return casino


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "d2 w1 d1"),
        ({"type": "deposit"}, "d2 d1"),
        ({"type": "withdraw"}, "w1"),
        ({"player_id": "p2"}, "w1"),
        ({"method": "a b"}, "d1"),
        ({"currency": "SEK"}, "d2"),
        ({"currency": "sek"}, ""),
        ({"from_": "2025-01-15T12:00:02Z"}, "d2 w1"),
        ({"to": "2025-01-15T12:00:02Z"}, "d1"),
        ({"player_id": "p", "type": "deposit", "from_": "2025-01-15T12:00:02Z"}, "d2"),
    ],
)
def test_transactions(filters: dict[str, Any], expected: str, paid: Casino) -> None:
    found = paid.items("transactions", **filters)
    assert [row["unique_id"] for row in found] == expected.split()


def test_amounts_in_eur_are_those_that_were_given(paid: Casino) -> None:
    in_eur = {row["unique_id"]: row["amount_eur"] for row in paid.items("transactions")}
    assert in_eur == {"d1": "1.5", "d2": "0", "w1": None}


def test_balances(paid: Casino) -> None:
    def named(**filters: str) -> list[tuple[str, str]]:
        return [(row["player_id"], row["currency"]) for row in paid.items("balances", **filters)]

    assert named() == [("p", "EUR"), ("p", "SEK"), ("p2", "EUR")]
    assert named(player_id="p") == [("p", "EUR"), ("p", "SEK")]
    assert named(currency="EUR") == [("p", "EUR"), ("p2", "EUR")]
    assert named(player_id="p2", currency="SEK") == []
    (owed,) = paid.items("balances", player_id="p2")
    assert (owed["real"], owed["counts"]["withdrawals"]) == ("-1", 1)


def test_sums_beyond_any_float_are_exact_and_plain(casino: Casino) -> None:
    most = "9" * 20 + "." + "9" * 18
    text = json.dumps(deposit(amount="?")).replace('"?"', most)
    texts = [text.replace('"u-', f'"{number}-') for number in range(10)]
    casino.send_body(f'{{"items": [{",".join(texts)}]}}'.encode())
    casino.project()
    (found,) = casino.items("balances")
    assert found["deposited"] == found["real"] == "9" * 21 + "." + "9" * 17
    assert casino.items("transactions")[0]["amount"] == most
