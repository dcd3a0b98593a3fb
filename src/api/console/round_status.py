"""Why a round has its status, in a sentence (by the rules of `domain.round`)."""

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
    back_bets, back_wins = (
        sum(each["rolled_back"][kind] for each in found["sums"]) for kind in ("bets", "wins")
    )
    taken_back = _counted(back_bets, back_wins)
    if found["status"] == "rolled_back":
        return f"All that was sent was taken back: {taken_back}."
    ends = bool(found["ended_at"]) and not wins
    return _standing(bets, wins, ends=ends) + (f" Taken back so far: {taken_back}." if taken_back else "")


def _standing(bets: int, wins: int, *, ends: bool) -> str:
    if ends:
        return f"It was ended without a win, after {_counted(bets, 0) or 'no bet'}."
    if bets and wins:
        return f"There is both: {_counted(bets, wins)}."
    if bets:
        return f"There is {_counted(bets, 0)}, and so far neither a win nor an end."
    return f"There is {_counted(0, wins)}, and no bet that it could be of." if wins else "There is no bet and no win."


def _counted(bets: int, wins: int) -> str:
    named = ((bets, "bet"), (wins, "win"))
    return " and ".join(f"{n:,} {name}{'s' if n > 1 else ''}" for n, name in named if n)
