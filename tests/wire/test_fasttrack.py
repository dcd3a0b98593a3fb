"""Payloads in Fast Track's dialect: what is accepted is what a projector reads, and what columns say."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evidence.verification.events import faults_of
from app.recording import prepare
from app.wire.currencies import ISO_4217
from app.wire.forms import Batch, Form, decode_form
from app.wire.item import Item
from domain.decoding import decode
from domain.events import (
    BetPlaced,
    BetRolledBack,
    BlocksUpdated,
    ConsentsUpdated,
    Deposited,
    LoggedIn,
    PlayerEvent,
    PlayerUpdated,
    SplitBet,
    SplitBetRolledBack,
    SplitWin,
    WinPaid,
    Withdrawn,
)
from domain.fasttrack import payload_of
from domain.item_types import PERSONAL_TOPICS
from domain.split import kind_of
from domain.wagers import CountedWagers
from postgres.binary import micros

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOON = "2025-01-15T12:00:00Z"
PLAY = {
    "unique_id": "x",
    "user_id": "u",
    "timestamp": NOON,
    "game_id": "g",
    "round_id": "r",
    "currency": "EUR",
}
PAID = {
    "payment_id": "x",
    "user_id": "u",
    "timestamp": NOON,
    "currency": "EUR",
    "amount": 1,
    "status": "approved",
    "vendor_name": "Card",
}


def read(event: str, data: dict[str, Any]) -> Batch:
    body = json.dumps([{"event": event, "data": data}]).encode()
    form = Form("fasttrack", lenient=True)
    return decode_form(body, form, currencies=ISO_4217, now=NOW, max_event_bytes=10_000)


def read_one(event: str, **data: Any) -> Item:
    items, left_out = read(event, data)
    assert left_out == []
    [item] = items
    return item


@pytest.mark.parametrize(
    ("event", "data", "kind"),
    [
        ("realtime-casino", {**PLAY, "type": "Bet", "amount": 2}, BetPlaced),
        ("realtime-casino", {**PLAY, "type": "WIN", "amount": 2, "bonus_wager_amount": 2}, WinPaid),
        ("realtime-casino", {**PLAY, "type": "loss", "amount": 2}, WinPaid),
        (
            "realtime-casino",
            {**PLAY, "type": "bet", "amount": 2, "bonus_wager_amount": "1.5"},
            SplitBet,
        ),
        (
            "realtime-casino",
            {**PLAY, "type": "win", "amount": 2, "bonus_wager_amount": 1},
            SplitWin,
        ),
        ("realtime-casino", {**PLAY, "type": "RollbackBet", "amount": 2}, BetRolledBack),
        (
            "realtime-casino",
            {**PLAY, "type": "rollbackbet", "amount": 2, "bonus_wager_amount": 1},
            SplitBetRolledBack,
        ),
        ("realtime-payment", {**PAID, "type": "credit"}, Deposited),
        ("realtime-payment", {**PAID, "type": "Debit", "payment_id": 12}, Withdrawn),
        ("login", {"user_id": 7, "timestamp": "2015-03-02T8:27:58.7Z"}, LoggedIn),
        ("USER_UPDATE_V2", {"user_id": "u", "timestamp": NOON, "sex": "female"}, PlayerUpdated),
        ("user-consents", {"user_id": "u", "timestamp": NOON, "consents": []}, ConsentsUpdated),
        ("BLOCKS", {"user_id": "u" * 255, "timestamp": NOON, "is_blocked": True}, BlocksUpdated),
    ],
)
def test_what_is_recorded_is_read_as_what_was_accepted(
    event: str, data: dict[str, Any], kind: type[PlayerEvent]
) -> None:
    item = read_one(event, **data)
    said = decode(item.topic, item.state, item.stream)
    assert type(said) is kind
    assert isinstance(said, PlayerEvent)
    assert (said.unique_id, said.timestamp) == (item.unique_id, item.occurred_at)
    assert item.stream == f"player:{said.player_id}"
    assert item.topic == f"{kind_of(said).__name__}.fasttrack"
    assert len(item.unique_id) <= 255
    # `roundbook verify` finds the columns of the event to be what its data says, and others not to be.
    [key] = prepare([item]).keys
    at = micros(item.occurred_at)
    assert list(faults_of(item.stream, item.topic, key, at, item.state)) == []
    assert list(faults_of(item.stream + "x", item.topic, key, at, item.state))
    assert list(faults_of(item.stream, item.topic, bytes(16), at, item.state))
    assert list(faults_of(item.stream, item.topic, key, at + 1, item.state))
    assert list(faults_of(item.stream, "WinRolledBack.fasttrack", key, at, item.state))
    # What is about a person can be erased, and is read as an event without content then.
    is_personal = kind in {LoggedIn, PlayerUpdated, ConsentsUpdated, BlocksUpdated}
    assert (item.topic in PERSONAL_TOPICS) == is_personal
    erased = decode(item.topic, b'"2025-01-15T12:00:00+00:00"', item.stream)
    assert type(erased) is (kind if is_personal else PlayerEvent)


@given(
    total=st.decimals(0, 10**6, places=4, allow_nan=False),
    share=st.integers(0, 4),
    name=st.sampled_from(["bet", "win", "rollbackbet", "rollbackwin", "loss"]),
)
def test_the_parts_add_up_to_the_amount(total: Decimal, share: int, name: str) -> None:
    bonus = (total * share / 4).quantize(Decimal("0.0001"), rounding="ROUND_DOWN")
    money = {"amount": str(total), "bonus_wager_amount": str(bonus)}
    item = read_one("realtime-casino", **PLAY, type=name, **money)
    sums = CountedWagers()
    sums.count(decode(item.topic, item.state))  # type: ignore[arg-type]
    sign = -1 if name.startswith("rollback") else 1
    side = "bet" if "bet" in name else "win"
    real, part = getattr(sums, f"{side}_real"), getattr(sums, f"{side}_bonus")
    if name == "loss":
        assert (real, part, sums.wins) == (0, 0, 1)
        return
    assert (real, part) == (sign * (total - bonus), sign * bonus)
    counted = sums.rolled_back if sign < 0 else sums
    assert getattr(counted, f"{side}s") == 1


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("realtime-casino", "realtime-casino"),
        ("CASINO", "realtime-casino"),
        ("Realtime-Payment", "realtime-payment"),
        ("PAYMENT", "realtime-payment"),
        ("realtime-login", "login"),
        ("LOGIN_V2", "login"),
        ("USER_CREATE_V2", "user"),
        ("user_update", "user"),
        ("realtime-user", "user"),
        ("registration", "user"),
        ("USER_CONSENTS_V2", "consents"),
        ("realtime-consents", "consents"),
        ("USER_BLOCK_V2", "blocks"),
        ("blocks", "blocks"),
        ("bonus", None),
        ("", None),
        ("login-v", None),
        ("gameround", None),
    ],
)
def test_events_are_known_by_all_their_names(event: str, payload: str | None) -> None:
    assert payload_of(event) == payload


def test_the_last_of_a_repeated_member_counts() -> None:
    data = (
        b'{"unique_id":"a","unique_id":"b","user_id":[],"user_id":"u","timestamp":"2025-01-15T12:00:00Z",'
        b'"game_id":"g","round_id":"r","type":7,"type":"bet","amount":-1,"amount":2,"currency":"EUR"}'
    )
    body = b'{"items":[{"event":"realtime-casino","data":' + data + b"}]}"
    form = Form("fasttrack")
    [item], _ = decode_form(body, form, currencies=ISO_4217, now=NOW, max_event_bytes=10_000)
    assert (item.unique_id, item.state) == ("b", data)
    event = decode(item.topic, item.state)
    assert isinstance(event, BetPlaced)
    assert event.amount == 2


@given(
    st.dictionaries(
        st.sampled_from([*PLAY, *PAID, "type", "consents", "blocks", "roles"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text()
            | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    ),
    st.sampled_from(["realtime-casino", "realtime-payment", "login", "user", "consents", "blocks"]),
)
def test_whatever_is_sent_is_accepted_or_has_faults(data: dict[str, Any], event: str) -> None:
    batch = read(event, data)
    assert len(batch.items) + len(batch.left_out) == 1
    for item in batch.items:
        assert isinstance(decode(item.topic, item.state, item.stream), PlayerEvent)
