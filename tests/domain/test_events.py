"""Events decoded from their recorded state, against a plain reading of the same bytes."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from domain.events import TOPICS, TYPES, UnknownTopicError, decode
from domain.item_types import EVENT_TYPES, WIRE_TYPES
from tests.model import instant
from tests.strategies import WireItem, items

AMOUNTS = {"amount", "amount_eur"}
BASE = {
    "unique_id": '"u"',
    "timestamp": '"2025-01-01T00:00:00Z"',
    "player_id": '"p"',
    "amount": "1",
    "currency": '"EUR"',
    "method": '"card"',
}


def deposit(first: str = "", **members: str) -> bytes:
    """Write a deposit's data; `first` stands before all other members."""
    pairs = [f'"{name}": {value}' for name, value in {**BASE, **members}.items()]
    return ("{" + ", ".join([first] * bool(first) + pairs) + "}").encode()


def decoded(topic: str, state: bytes) -> dict[str, Any]:
    return msgspec.structs.asdict(decode(topic, state))


@given(items())
def test_an_event_is_what_its_data_says_and_unknown_members_are_ignored(item: WireItem) -> None:
    data = item.data
    event = decode(item.topic, item.data_text.encode())
    assert WIRE_TYPES[item.topic] == item.event
    assert type(event) is TYPES[item.topic]
    for name, value in msgspec.structs.asdict(event).items():
        if name == "timestamp":
            assert value == instant(data[name])
        elif name in data:
            assert value == data[name]
            assert type(value) is type(data[name])
        else:
            assert value is (None if name in {"amount_eur", "reference", "reason"} else UNSET)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ('"amount": "a text"', Decimal(1)),
        ('"amount": 1e99999999999999999999', Decimal(1)),
        ('"amount": null', Decimal(1)),
        ('"amount": {"amount": 3}', Decimal(1)),
        ('"amount": "NaN"', Decimal(1)),
    ],
)
def test_of_a_repeated_amount_the_last_counts_whatever_the_first_is(
    member: str, expected: Decimal
) -> None:
    assert decoded("Deposited", deposit(member))["amount"] == expected


@pytest.mark.parametrize("name", sorted(BASE))
@pytest.mark.parametrize("rubbish", ["null", "[]", "1e400", '"rubbish"', "-0", "true"])
def test_of_any_repeated_member_the_last_counts_whatever_the_first_is(
    name: str, rubbish: str
) -> None:
    assert decoded("Deposited", deposit(f'"{name}": {rubbish}')) == decoded("Deposited", deposit())


def test_of_repeated_lists_and_flags_the_last_counts() -> None:
    state = (
        b'{"tags": 5, "is_blocked": "no", "gender": "X", "registration_date": 7,'
        b' "unique_id": "u", "timestamp": "2025-01-01T00:00:00Z", "player_id": "p",'
        b' "tags": ["a"], "is_blocked": true, "gender": "F", "registration_date": null}'
    )
    event = decoded("PlayerUpdated", state)
    assert (event["tags"], event["is_blocked"], event["gender"]) == (["a"], True, "F")
    assert event["registration_date"] is None
    assert event["username"] is UNSET


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0e99999999999999999999", "0"),
        ("-0.0e-99999999999999999999", "0"),
        ("0e-999999999999999999", "0"),
        ("1." + "0" * 10_000, "1"),
        ("1" + "0" * 10_000 + "e-10000", "1"),
        ("0." + "0" * 10_000 + "12e10001", "1.2"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        ("1e19", "10000000000000000000"),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551616", "18446744073709551616"),
        ("0.1", "0.1"),
    ],
)
def test_an_amount_is_exact_and_never_burdens_the_sums_with_its_notation(
    text: str, expected: str
) -> None:
    for name in AMOUNTS:
        amount = decoded("Deposited", deposit(**{name: text}))[name]
        assert amount == Decimal(expected)
        assert len(f"{amount:f}") <= 39
        assert amount.as_tuple().exponent >= -18


def test_null_and_absent_euros_are_none_and_zero_is_zero() -> None:
    assert decoded("Deposited", deposit())["amount_eur"] is None
    assert decoded("Deposited", deposit(amount_eur="null"))["amount_eur"] is None
    assert decoded("Deposited", deposit(amount_eur="0"))["amount_eur"] == 0


def test_members_that_an_event_does_not_name_never_reach_it() -> None:
    state = deposit('"position": 7, "originator_id": "x", "version": -1, "stream": "game:g"')
    assert decode("Deposited", state) == decode("Deposited", deposit())


def test_a_topic_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UnknownTopicError, match=r"BetPlaced\.v2"):
        decode("BetPlaced.v2", deposit())


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        deposit(amount='"much"'),
        deposit(timestamp='"yesterday"'),
        deposit(player_id="7"),
        deposit(amount="1e99999999999999999999"),
    ],
)
def test_a_state_that_holds_no_such_event_is_an_error_of_one_kind(state: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode("Deposited", state)


def test_every_topic_has_one_type_and_a_name_on_the_wire() -> None:
    assert {topic: TOPICS[kind] for topic, kind in TYPES.items()} == {
        topic: topic for topic in TYPES
    }
    assert EVENT_TYPES.keys() == TYPES.keys()
    assert TYPES.keys() - WIRE_TYPES.keys() == {"PlayerErased"}


@given(items())
def test_a_decoded_event_can_not_be_changed(item: WireItem) -> None:
    event = decode(item.topic, item.data_text.encode())
    with pytest.raises(AttributeError):
        event.unique_id = "other"  # type: ignore[misc]  # what the test is about
    assert event.unique_id == json.loads(item.data_text)["unique_id"]
