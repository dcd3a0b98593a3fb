"""Rollbacks and round ends, asked for over HTTP: what they change and when, and what they take back."""

from typing import Any

import pytest

from tests.queries.casino import Casino, OpenCasino, bet, deposit, item, rollback

PLACED, TAKEN_BACK = "2025-01-15T23:58:00Z", "2025-01-16T00:03:00Z"
SAME = ("player_id", "game_id", "round_id", "amount", "currency", "is_win", "is_bonus")


def ended(**data: Any) -> dict[str, Any]:
    return item("roundend", **{"player_id": "p", "game_id": "g", "round_id": "r", **data})


def statuses(casino: Casino) -> dict[str, str]:
    return {row["unique_id"]: row["status"] for row in casino.items("rollbacks")}


def test_a_bet_counts_until_it_is_rolled_back_and_a_rollback_on_its_own_day(
    casino: Casino,
) -> None:
    position = casino.fill(
        [
            deposit(amount=10, timestamp="2025-01-15T12:00:00Z"),
            bet(unique_id="b", amount=4, timestamp=PLACED),
            rollback(unique_id="x", amount=4, timestamp=TAKEN_BACK, reference="b", reason="broken"),
        ]
    )

    def real(**when: Any) -> str:
        (balance,) = casino.items("balances", player_id="p", **when)
        return f"{balance['real']}, {balance['bet_real']}, {balance['rolled_back']['bet_real']}"

    assert real(as_of="2025-01-15T23:57:00Z") == "10, 0, 0"
    assert real(as_of="2025-01-16T00:02:59Z") == "6, 4, 0"
    assert real(as_of=TAKEN_BACK) == real() == real(at_position=position) == "10, 0, 4"
    assert real(at_position=position - 1) == "6, 4, 0"
    (balance,) = casino.items("balances")
    assert balance["counts"] == {"deposits": 1, "withdrawals": 0, "bets": 1, "wins": 0}
    nothing = {
        "bet_real": "0",
        "bet_bonus": "0",
        "win_real": "0",
        "win_bonus": "0",
        "bets": 0,
        "wins": 0,
    }
    assert balance["rolled_back"] == nothing | {"bet_real": "4", "bets": 1}

    first, second = casino.items("activity")
    assert (first["day"], first["bets"], first["ggr_real"], first["rolled_back"]) == (
        *("2025-01-15", 1, "4"),
        nothing,
    )
    assert (second["day"], second["bets"], second["rounds"], second["ggr_real"], second["rtp"]) == (
        *("2025-01-16", 0, 1, "-4"),
        "0",
    )
    assert second["rolled_back"] == nothing | {"bet_real": "4", "bets": 1}
    (whole,) = casino.items("activity", group_by="currency")
    assert (whole["ggr_real"], whole["bets"], whole["rolled_back"]["bets"]) == ("0", 1, 1)

    (row,) = casino.items("rounds", round_id="r")
    assert (row["status"], row["bet_count"], row["ended_at"]) == ("rolled_back", 1, None)
    assert (row["first_at"], row["last_at"]) == (PLACED, TAKEN_BACK)
    (taken,) = row["bets"]
    assert (taken["rolled_back_by"], taken["rolled_back_at"]) == ("x", TAKEN_BACK)
    (entry,) = casino.items("history", event="rollback")
    assert (entry["type"], entry["stream"]) == ("BetRolledBack", "player:p")


ITEMS = {
    "b": bet(unique_id="b", amount=4),
    "w": bet(unique_id="w", amount=2.50, is_win=True),
    "d": deposit(unique_id="d"),
    "matched": rollback(unique_id="matched", amount=4, reference="b"),
    "repeated": rollback(
        unique_id="repeated", amount=4, reference="b", timestamp="2025-01-15T12:00:01Z"
    ),
    "of a win": rollback(unique_id="of a win", amount=2.5, reference="w", is_win=True),
    "of a deposit": rollback(unique_id="of a deposit", reference="d"),
    "of itself": rollback(unique_id="of itself", reference="of itself"),
    "of none": rollback(unique_id="of none", reference="nothing"),
    "of none again": rollback(unique_id="of none again", reference="nothing"),
    "without": rollback(unique_id="without"),
}
STATUSES = {
    "matched": "matched",
    "repeated": "repeated",
    "of a win": "matched",
    "of a deposit": "mismatched",
    "of itself": "mismatched",
    "of none": "unmatched",
    "of none again": "unmatched",
    "without": "unreferenced",
}


@pytest.mark.parametrize("turn", range(0, len(ITEMS), 2))
@pytest.mark.parametrize("at_once", [1, 3, len(ITEMS)])
def test_a_status_is_the_same_whatever_came_first(turn: int, at_once: int, casino: Casino) -> None:
    items = [*ITEMS.values()]
    items = items[turn:] + items[:turn]
    for start in range(0, len(items), at_once):
        casino.fill(items[start : start + at_once])
    assert statuses(casino) == STATUSES
    for status in set(STATUSES.values()):
        found = {row["unique_id"] for row in casino.items("rollbacks", status=status)}
        assert found == {name for name, each in STATUSES.items() if each == status}


def test_what_comes_late_changes_the_status_of_what_came_before(casino: Casino) -> None:
    later = rollback(unique_id="later", amount=4, reference="b", timestamp="2025-01-15T12:00:02Z")
    casino.fill([later])
    assert statuses(casino) == {"later": "unmatched"}
    casino.fill([ITEMS["b"]])
    assert statuses(casino) == {"later": "matched"}
    casino.fill([ITEMS["repeated"]])
    assert statuses(casino) == {"later": "repeated", "repeated": "matched"}
    casino.fill([ITEMS["matched"]])
    assert statuses(casino) == {"later": "repeated", "repeated": "repeated", "matched": "matched"}


@pytest.mark.parametrize("member", SAME)
def test_what_differs_in_anything_is_mismatched(member: str, casino: Casino) -> None:
    other = {"amount": 5, "currency": "SEK", "is_win": True, "is_bonus": True}.get(member, "other")
    casino.fill(
        [ITEMS["b"], rollback(unique_id="x", **{"amount": 4, "reference": "b", member: other})]
    )
    assert statuses(casino) == {"x": "mismatched"}
    bets = [each for row in casino.items("rounds", round_id="r") for each in row["bets"]]
    same_round = member not in {"player_id", "game_id", "round_id", "is_win"}
    assert [each["rolled_back_by"] for each in bets] == ["x" if same_round else None]


def test_a_round_that_ends_is_settled(casino: Casino) -> None:
    late, early = "2025-01-15T12:00:05Z", "2025-01-15T12:00:03Z"
    casino.fill([bet(), ended(timestamp=late)])
    casino.fill([ended(timestamp=early), ended(round_id="nothing else")])
    other, row = sorted(casino.items("rounds"), key=lambda each: str(each["round_id"]))
    assert (row["round_id"], row["status"], row["ended_at"]) == ("r", "settled", early)
    assert (row["last_at"], row["bet_count"], row["win_count"]) == (late, 1, 0)
    assert (other["status"], other["sums"], other["bet_count"]) == ("settled", [], 0)
    assert casino.items("rounds", round_id="nothing else")[0]["bets"] == []
    (game,) = casino.items("games")
    assert game["last_seen"] == late
    (player,) = casino.items("players")
    assert player["last_seen"] == late


def test_rollbacks_are_found_by_each_filter_newest_first_in_pages_of_any_size(
    new_casino: OpenCasino,
) -> None:
    casino = new_casino()
    made = [
        rollback(
            unique_id=f"x{number}",
            player_id=f"p{number % 2}",
            game_id=f"g{number % 3}",
            round_id=f"r{number % 5}",
            timestamp=f"2025-01-15T12:00:{number // 2:02}Z",
            reason="long " * 1_000 * (number % 7 == 0),
        )
        for number in range(30)
    ]
    casino.fill(made)
    whole = casino.items("rollbacks", limit=1000)
    assert [row["unique_id"] for row in whole] == [f"x{number}" for number in reversed(range(30))]
    for limit in (1, 7):
        assert casino.all("rollbacks", limit) == whole
    for name in ("player_id", "game_id", "round_id"):
        for value in {row[name] for row in whole}:
            expected = [row for row in whole if row[name] == value]
            assert casino.all("rollbacks", 4, **{name: value}) == expected
    within = {"from": "2025-01-15T12:00:03Z", "to": "2025-01-15T12:00:06Z"}
    assert [row["unique_id"] for row in casino.items("rollbacks", **within)] == [
        f"x{number}" for number in (11, 10, 9, 8, 7, 6)
    ]


def test_a_game_says_what_it_returns_exactly(casino: Casino) -> None:
    casino.fill([item("game", game_id="g", theoretical_rtp=0.9650, volatility=12)])
    (game,) = casino.items("games")
    assert (game["theoretical_rtp"], game["volatility"]) == ("0.965", "12")
    past = casino.get("games/g", at_position=1).json
    assert (past["theoretical_rtp"], past["volatility"]) == ("0.965", "12")
    casino.fill([item("game", game_id="g", timestamp="2025-01-15T12:00:01Z", theoretical_rtp=None)])
    (game,) = casino.items("games")
    assert (game["theoretical_rtp"], game["volatility"]) == (None, "12")
