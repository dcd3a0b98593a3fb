"""Every item that the wire accepts can be read from the log, to amounts that are fit to be added."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from msgspec import UNSET

from domain.events import Deposited, GameUpdated, RoundEvent, Withdrawn, decode
from domain.instant import Instant
from domain.money import number_value, parse_amount
from tests.strategies import WireItem, amount_texts, items


@settings(max_examples=100)
@given(items())
def test_every_valid_item_is_read_whatever_its_form(item: WireItem) -> None:
    data = item.data
    event = decode(item.topic, item.data_text.encode())
    assert event.unique_id == data["unique_id"]
    assert event.timestamp == Instant.parse(data["timestamp"])
    if isinstance(event, RoundEvent | Deposited | Withdrawn):
        assert event.amount == data["amount"]
    if isinstance(event, Deposited):
        assert event.amount_eur == data.get("amount_eur")


def withdrawal(amount: str, before: str = "") -> bytes:
    return (
        f'{{{before}"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","player_id":"p",'
        f'"amount":{amount},"currency":"EUR","method":"m"}}'
    ).encode()


def amount_of(state: bytes) -> Decimal:
    event = decode("Withdrawn", state)
    assert isinstance(event, Withdrawn)
    return event.amount


@given(amount_texts())
@example("0e999999999999999999")
@example("0e-999999999999999999")
@example("0e99999999999999999999")
@example("0e-99999999999999999999")
@example("1" + "0" * 5000 + "e-5000")
@example("1." + "0" * 5000)
@example("1e" + "0" * 5000 + "2")
def test_an_amount_never_carries_more_digits_than_the_contract_has(digits: str) -> None:
    expected = parse_amount(digits)
    # The second has a member twice, and is read another way.
    for state in (withdrawal(digits), withdrawal(digits, before='"amount":[],')):
        amount = amount_of(state)
        assert amount == expected
        exponent = amount.as_tuple().exponent
        assert isinstance(exponent, int)
        assert -18 <= exponent <= 19
        assert len(amount.as_tuple().digits) <= 38


def test_bug_a_timestamp_that_was_no_string_at_first_could_not_be_read() -> None:
    for first in ("5", "null", "1e400", "[]"):
        state = withdrawal("1", before=f'"timestamp":{first},')
        assert decode("Withdrawn", state).timestamp == Instant.parse("2025-01-15T12:00:00Z")


def test_a_state_that_holds_no_such_event_is_a_validation_error() -> None:
    for state in (b"[]", b"{}", b"1", withdrawal("null"), withdrawal('"Infinity"')):
        with pytest.raises(msgspec.ValidationError):
            decode("Withdrawn", state)


def test_bug_exponents_with_thousands_of_leading_zeros_were_refused() -> None:
    zeros = "0" * 5000
    assert number_value(f"1e{zeros}2") == number_value("1e2") == (False, "1", 2)
    assert number_value(f"1e-{zeros}2") == number_value("1e-2") == (False, "1", -2)
    assert number_value(f"1e+{zeros}") == (False, "1", 0)
    huge = "9" * 30
    assert number_value(f"1e{zeros}{huge}") == number_value(f"1e+{huge}")


@pytest.mark.parametrize(
    "was",
    ['"high"', "96.5", "-1", "1e400", "1e999999999999999999999", "[1]", "true", '"NaN"', '{"a":1}'],
)
@pytest.mark.parametrize("before", ["", '"name":1,'])
def test_what_a_game_was_sent_with_before_it_had_a_meaning_says_nothing(
    was: str, before: str
) -> None:
    """In a log there may be whatever a sender kept under these names for itself."""
    state = (
        f'{{{before}"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","game_id":"g","name":"n",'
        f'"theoretical_rtp":{was}}}'
    ).encode()
    event = decode("GameUpdated", state)
    assert isinstance(event, GameUpdated)
    assert event.theoretical_rtp is UNSET
    assert event.name == "n"


def test_what_a_game_returns_is_read_exactly_in_any_form() -> None:
    for before in ("", '"name":1,'):
        state = (
            f'{{{before}"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","game_id":"g","name":"n",'
            '"theoretical_rtp":9.65e-1,"volatility":null}'
        ).encode()
        event = decode("GameUpdated", state)
        assert isinstance(event, GameUpdated)
        assert (event.theoretical_rtp, event.volatility) == (Decimal("0.965"), None)
