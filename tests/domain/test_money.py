"""Amounts: read exactly from their digits, judged by value, added without rounding, written plainly."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from domain.money import EXACT, AmountError, number_value, parse_amount, plain
from tests.strategies import amount_texts

PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")


@contextmanager
def a_careless_thread() -> Iterator[None]:
    """What another library may have set for this thread."""
    with localcontext(Context(prec=3)):
        yield


@st.composite
def number_texts(draw: DrawFn) -> str:
    """Draw any JSON number whose exponent a fraction can still hold."""
    integer = draw(st.just("0") | st.from_regex(r"[1-9][0-9]{0,24}", fullmatch=True))
    fraction = draw(st.just("") | st.from_regex(r"\.[0-9]{1,24}0{0,3}", fullmatch=True))
    exponent = draw(st.just("") | st.from_regex(r"[eE][+-]?0{0,2}[0-9]{1,2}", fullmatch=True))
    return draw(st.sampled_from(["", "", "-"])) + integer + fraction + exponent


@given(number_texts())
@example("1e19")
@example("1e20")
@example("99999999999999999999.999999999999999999")
@example("100000000000000000000")
@example("1e-18")
@example("1e-19")
@example("-0.000e5")
@example("-1e-30")
@example("0.0000000000000000010")
def test_an_amount_is_judged_by_value_and_kept_exactly(digits: str) -> None:
    value = Fraction(digits)
    if value >= 0 and value < 10**20 and (value * 10**18).denominator == 1:
        with a_careless_thread():
            amount = parse_amount(digits)
        assert Fraction(amount) == value
    else:
        with pytest.raises(AmountError) as refused:
            parse_amount(digits)
        assert refused.value.code == ("negative" if value < 0 else "too_many_digits")


@pytest.mark.parametrize(
    "digits",
    [
        "0e99999999999999999999999",
        "-0e-99999999999999999999999",
        "0." + "0" * 100_000,
        "0e" + "0" * 100_000,
    ],
)
def test_zero_is_zero_in_any_notation(digits: str) -> None:
    assert parse_amount(digits).as_tuple() == (0, (0,), 0)


@pytest.mark.parametrize(
    "digits",
    [
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        "1" * 100_000,
        "0." + "1" * 100_000,
    ],
)
def test_an_amount_beyond_all_measure_is_refused_without_computing_it(digits: str) -> None:
    with pytest.raises(AmountError, match="digits"):
        parse_amount(digits)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1e5", "10e4"),
        ("1e1000000000000000000", "10e999999999999999999"),
        ("1e1000000000000000000", "0.1e1000000000000000001"),
        ("1e-1000000000000000000", "10e-1000000000000000001"),
        ("1e" + "9" * 5_000, "10e" + "9" * 4_999 + "8"),
        ("1e00000000000000000000000000000005", "1e+5"),
        ("-0e7", "0"),
    ],
)
def test_one_value_has_one_reduced_form_whatever_its_exponent(one: str, other: str) -> None:
    assert number_value(one) == number_value(other)


@pytest.mark.parametrize(
    "text", ["", "-", "1.", ".5", "1e", "0x1", "NaN", "Infinity", "1 ", "\u0661", "+1", "1\n"]
)
def test_what_is_no_number_has_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON number"):
        number_value(text)


@given(st.lists(amount_texts(), max_size=30), st.randoms(use_true_random=False))
def test_sums_are_exact_in_any_order(texts: list[str], random: object) -> None:
    with a_careless_thread():
        total = Decimal(0)
        for text in texts:
            total = EXACT.add(total, parse_amount(text))
        written = plain(total)
    assert Fraction(written) == sum(Fraction(text) for text in texts)


def test_a_sum_is_not_bounded_by_28_digits() -> None:
    most, least = parse_amount("99999999999999999999"), parse_amount("0.000000000000000001")
    total = least
    for _ in range(1_000):
        total = EXACT.add(total, most)
    assert plain(total) == "99999999999999999999000.000000000000000001"
    assert plain(EXACT.subtract(least, total)) == "-99999999999999999999000"


@given(number_texts())
@example("-0.0")
@example("1e30")
@example("100")
@example("0.10")
def test_an_amount_is_written_plainly_and_read_back(digits: str) -> None:
    amount = Decimal(digits)
    with a_careless_thread():
        written = plain(amount)
    assert Decimal(written) == amount
    assert PLAIN.fullmatch(written)
    assert (written == "0") == (amount == 0)
