"""Why a round has its status, in a sentence: the rule of `domain.round`, and what there is."""

from collections.abc import Mapping
from typing import Any

STATUSES = {
    "open": "Open",
    "settled": "Settled",
    "unmatched": "Unmatched",
    "rolled_back": "Rolled back",
}
"""What statuses are called."""


def why(found: Mapping[str, Any]) -> str:
    """Say why a round, as `/api/v1/rounds` shows it, has its status."""
    bets, wins = found["bet_count"], found["win_count"]
    taken_back = _counted(*(_taken_back(found, kind) for kind in ("bets", "wins")))
    if found["status"] == "rolled_back":
        return f"As many bets and wins were taken back as were sent: {taken_back}."
    so_far = f" Taken back so far: {taken_back}." if taken_back else ""
    has = _counted(bets, wins) or "neither bet nor win"
    return f"{_RULES[found['status'], bool(wins)]}: this one has {has}.{so_far}"


_RULES = {
    ("open", False): "A round is open while it has a bet, and neither a win nor an end",
    ("settled", True): "A round with a bet and a win is settled",
    ("settled", False): "A round that was ended without a win is settled",
    ("unmatched", True): "A round without a bet is unmatched",
    ("unmatched", False): "A round without a bet is unmatched",
}
"""By the status, and whether there is a win."""


def _taken_back(found: Mapping[str, Any], kind: str) -> int:
    return sum(each["rolled_back"][kind] for each in found["sums"])


def _counted(bets: int, wins: int) -> str:
    named = ((bets, "bet"), (wins, "win"))
    return " and ".join(f"{n:,} {name}{'' if n == 1 else 's'}" for n, name in named if n)
