"""What the samples of the sample day expect, which were written before anything could be rolled back."""

from typing import Any

from tests.model.shapes import FLOWS

_NOTHING = {"rolled_back": {**dict.fromkeys(FLOWS, "0"), "bets": 0, "wins": 0}}
_LATER: dict[str, dict[str, Any]] = {
    "balances": _NOTHING,
    "games": {"theoretical_rtp": None, "volatility": None},
    "rounds": {"ended_at": None},
}


def with_later_members(expected: Any) -> Any:
    """Add to rows of the sample what answers have since: there is nothing of it in that day."""
    filled = expected | {
        kind: [members | row for row in expected[kind]] for kind, members in _LATER.items()
    }
    for row in filled["rounds"]:
        row["sums"] = [_NOTHING | sums for sums in row["sums"]]
    return filled
