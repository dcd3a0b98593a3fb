"""The typed items are those of the server's catalogue, and are written as it reads them."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import fields
from roundbook_client import (
    Deposit,
    Game,
    GameRound,
    InvalidItems,
    Item,
    Login,
    Player,
    Rollback,
    RoundEnd,
    Withdraw,
)
from roundbook_client.checking import MAX_BODY_BYTES, Checker
from roundbook_client.items import text_of

from domain.item_types import ITEM_TYPES, Kind

TYPES: dict[str, type[Item]] = {
    each.event: each
    for each in (GameRound, Rollback, RoundEnd, Deposit, Withdraw, Player, Game, Login)
}
_PYTHON = {
    Kind.ID: str,
    Kind.TEXT: str,
    Kind.TEXTS: list[str],
    Kind.FLAG: bool,
    Kind.AMOUNT: Decimal,
    Kind.RATIO: Decimal,
    Kind.CURRENCY: str,
    Kind.TIMESTAMP: datetime,
    Kind.DAY_OR_TIMESTAMP: date,
}


def deposit(unique_id: str = "d", **more: Any) -> Deposit:
    paid: dict[str, Any] = {"amount": 1, "currency": "EUR", "method": "card", "player_id": "p"}
    return Deposit(unique_id=unique_id, timestamp="2025-01-15T06:31:00Z", **{**paid, **more})


def test_they_are_those_of_the_catalogue() -> None:
    assert list(TYPES) == list(ITEM_TYPES)
    for name, item_type in ITEM_TYPES.items():
        known = {field.name: field for field in fields(TYPES[name])}
        assert set(known) == {member.name for member in item_type.members}
        for member in item_type.members:
            field = known[member.name]
            kinds = set(get_args(field.type)) or {field.type}
            assert field.required == member.required
            assert (type(None) in kinds, UnsetType in kinds) == (not member.required,) * 2
            if member.choices:
                assert any(get_args(kind) == member.choices for kind in kinds)
            else:
                assert _PYTHON[member.kind] in kinds


@pytest.mark.parametrize("name", ITEM_TYPES)
def test_each_is_written_as_the_server_reads_it(name: str) -> None:
    example: dict[str, Any] = dict(ITEM_TYPES[name].example)
    [record] = Checker().records([TYPES[name](**example)])
    assert json.loads(record.content) == {"event": name, "data": example}
    faulty = {**example, "timestamp": "today"}
    with pytest.raises(InvalidItems) as raised:
        Checker().records([TYPES[name](**faulty), TYPES[name](**example)])
    [fault] = raised.value.faults
    assert (fault.pointer, fault.code) == ("/items/0/data/timestamp", "not_a_timestamp")


def test_amounts_and_times_are_written_digit_for_digit() -> None:
    written = text_of(
        deposit(amount=Decimal("12345678901234567890.100000000000000001"), amount_eur=None)
    )
    assert b'"amount":12345678901234567890.100000000000000001,' in written
    assert b'"amount_eur":null' in written
    moment = datetime(2025, 1, 15, 6, 31, tzinfo=timezone(timedelta(hours=2)))
    told = text_of(Player(unique_id="p", timestamp=moment, player_id="p", registration_date=UNSET))
    assert b'"timestamp":"2025-01-15T06:31:00+02:00"' in told
    assert b"registration_date" not in told


def test_a_type_of_ones_own_has_more_members() -> None:
    class ShopDeposit(Deposit, kw_only=True):
        shop: str

    item = ShopDeposit(
        unique_id="d",
        timestamp=datetime(2025, 1, 1, tzinfo=UTC),
        player_id="p",
        amount=1,
        currency="EUR",
        method="m",
        shop="s",
    )
    assert json.loads(text_of(item))["data"]["shop"] == "s"
    assert isinstance(item, Item)


def test_items_are_sent_as_mappings_and_as_texts_too() -> None:
    mapping = {
        "event": "login",
        "data": {"unique_id": "l", "timestamp": "2025-01-15T06:31:00Z", "player_id": "p"},
    }
    [record] = Checker().records([mapping, Raw(json.dumps(mapping).encode())])
    assert record.items == 2
    assert json.loads(b"[%b]" % record.content) == [mapping, mapping]


@pytest.mark.parametrize(
    "item",
    [
        Raw(b'{"event":"login"'),
        Raw(b'{}],"items":3,"x":[0'),
        Raw(b"{},{}"),
        Raw(b""),
        deposit(amount=Decimal("NaN")),
        deposit(unique_id="\ud800"),
    ],
)
def test_what_is_no_json_is_no_item(item: Any) -> None:
    with pytest.raises(InvalidItems) as raised:
        Checker().records([item])
    assert [fault.code for fault in raised.value.faults] == ["not_json"]


def test_faults_are_named_by_the_index_among_all_that_are_given() -> None:
    good = [deposit(str(number)) for number in range(25_000)]
    assert [each.items for each in Checker().records(good)] == [10_000, 10_000, 5_000]
    good[20_001] = deposit(currency="???")
    with pytest.raises(InvalidItems) as raised:
        Checker().records(good)
    [fault] = raised.value.faults
    assert (fault.pointer, fault.code) == ("/items/20001/data/currency", "unknown_currency")


def test_what_is_too_long_for_a_request_is_several_records() -> None:
    long = [{**_as_mapping(deposit(str(n))), "note": "x" * 200_000} for n in range(200)]
    records = Checker().records(long)
    assert sum(each.items for each in records) == 200
    assert all(len(each.content) + len('{"items":[]}') <= MAX_BODY_BYTES for each in records)
    assert len(records) == 3


def _as_mapping(item: Item) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text_of(item))
    return read
