"""A player of whom there is an event of each kind, and what each reads as."""

from typing import Any

from tests.http.wire import bet, deposit, item, login

PLAYER = "p 1/ä"


def at(hour: int) -> str:
    """An hour of the day."""
    return f"2025-01-15T{hour:02}:00:00Z"


def whose(event: dict[str, Any], hour: int) -> dict[str, Any]:
    """The event as one of the player at an hour."""
    return {**event, "data": {**event["data"], "player_id": PLAYER, "timestamp": at(hour)}}


GAME = {"game_id": "g", "round_id": "r1"}
STAKE = {"amount": 1.5, "currency": "EUR", "is_win": False, "is_bonus": False}
IN_ROUND = "EUR in Book of X, round r1"
TOLD = [
    (
        item("player", "u1", username="Ann", tags=["a", "b"], is_blocked=False),
        "Profile: name Ann, tags a, b, blocked no",
    ),
    (deposit("u2", amount=100, method="Swish"), "Deposit of 100.00 EUR by Swish"),
    (login("u3"), "Login"),
    (bet("u4", amount=1.5, **GAME), f"Bet 1.50 {IN_ROUND}"),
    (
        bet("u5", amount=2, is_bonus=True, **GAME),
        "Bet 2.00 EUR of bonus money in Book of X, round r1",
    ),
    (bet("u6", amount=0.333333, is_win=True, **GAME), f"Win 0.333333 {IN_ROUND}"),
    (
        item("rollback", "u7", reference="u4", reason="<i>", **STAKE, **GAME),
        f"Bet taken back: 1.50 {IN_ROUND}, of the event u4, because: <i>",
    ),
    (item("roundend", "u8", **GAME), "End of the round r1 in Book of X"),
    (
        item("withdraw", "u9", amount=5, currency="SEK", method="card"),
        "Withdrawal of 5.00 SEK by card",
    ),
    (
        item("player", "u10", username=None, consent_email=True),
        "Profile: name cleared, consent to e-mail yes",
    ),
    (item("player", "u11"), "Profile: nothing set"),
]
"""What is sent, each an hour after the other, and what it reads as."""


def _fast(event: str, hour: int, **data: Any) -> dict[str, Any]:
    return {"event": event, "data": {"user_id": PLAYER, "timestamp": at(hour), **data}}


SPLIT = {"amount": "3", "bonus_wager_amount": 1, "currency": "EUR", "type": "Bet"}
PAID = {"amount": 10, "currency": "EUR", "type": "Credit", "status": "Approved"}
FAST = [
    (
        _fast("realtime-casino", 20, unique_id="f1", game_id="other", round_id=7, **SPLIT),
        "Bet 3.00 EUR (1.00 of it bonus money) in other, round 7",
    ),
    (
        _fast("realtime-payment", 21, payment_id="f2", vendor_name="Visa", **PAID),
        "Deposit of 10.00 EUR by Visa",
    ),
    (_fast("consents", 22, consents=[{"type": "sms", "opted_in": False}]), "Consents: sms no"),
    (_fast("blocks", 23, blocks=[{"type": "casino", "active": True}]), "Blocks: casino yes"),
]
"""The same in Fast Track's dialect."""

SENTENCES = [sentence for _, sentence in [*TOLD, *FAST]]
