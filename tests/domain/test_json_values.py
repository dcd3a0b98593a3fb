"""JSON texts compared as values, against a comparison of our own with fractions."""

import json
import tracemalloc
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from domain.json_values import fingerprint, same_value
from tests.strategies import WireItem, json_string_texts, json_texts, respellings


class Fractional(str):
    __slots__ = ()


def independent(text: str) -> Any:
    """Read JSON into values whose Python equality is that of JSON values (True is no 1 here)."""

    def tagged(value: Any) -> Any:
        match value:
            case Fractional():
                return ("number", Fraction(value))
            case dict():
                return {name: tagged(member) for name, member in value.items()}
            case list():
                return [tagged(element) for element in value]
            case _:
                return (type(value).__name__, value)

    return tagged(json.loads(text, parse_int=Fractional, parse_float=Fractional))


few_numbers = st.sampled_from(
    ["0", "-0", "0.0", "0e9", "1", "1.0", "10e-1", "0.1e1", "-1", "1e-7", "0.0000001", "1e400"]
) | st.sampled_from(
    ["10e399", "1.5", "15e-1", "123456789012345678901234567890", "123456789012345678901234567891"]
)
few_strings = st.sampled_from(["", "a", "1", "true", "é", "e\u0301", "😀", "a/b"]).flatmap(
    json_string_texts
)
few_texts = st.recursive(
    few_numbers | few_strings | st.sampled_from(["true", "false", "null"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda texts: f"[{','.join(texts)}]"),
        st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"']), inner), max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}"
        ),
    ),
    max_leaves=4,
)


@given(few_texts, few_texts)
@example("1", "true")
@example("[]", "{}")
@example('{"a":1,"b":2}', '{"b":2.0,"a":1e0}')
@example('{"a":1,"a":2}', '{"a":2}')
@example('{"a":null}', "{}")
@example('"é"', '"\\u00e9"')
@example('"é"', '"e\\u0301"')
@example('"1"', "1")
@example("[1,2]", "[2,1]")
def test_texts_are_the_same_value_exactly_if_an_independent_reader_says_so(
    one: str, other: str
) -> None:
    expected = independent(one) == independent(other)
    assert same_value(one.encode(), other.encode()) == expected
    assert (fingerprint(one.encode()) == fingerprint(other.encode())) == expected


@given(json_texts(), st.data())
def test_a_value_keeps_its_fingerprint_however_it_is_spelled(text: str, data: DataObject) -> None:
    item = WireItem("any", f'{{"value": {text}}}')
    again = data.draw(respellings(item))
    assert same_value(item.data_text.encode(), again.data_text.encode())


@given(json_texts(), json_texts())
def test_only_texts_of_the_same_value_share_a_fingerprint(one: str, other: str) -> None:
    same = fingerprint(one.encode()) == fingerprint(other.encode())
    assert same == (independent(one) == independent(other))


def test_a_long_value_is_compared_in_little_memory() -> None:
    one = b"[" + b"1," * 200_000 + b"2]"
    tracemalloc.start()
    try:
        assert same_value(one, one.replace(b"2]", b"2.0]"))
        assert not same_value(one, one.replace(b"2]", b"2.1]"))
        assert tracemalloc.get_traced_memory()[1] < 2 * len(one)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", [1, 128])
def test_values_nested_as_deep_as_is_accepted_are_compared(depth: int) -> None:
    one, other = b"[" * depth + b"1" + b"]" * depth, b"[ " * depth + b"1.0" + b" ]" * depth
    assert same_value(one, other)
    assert not same_value(one, other.replace(b"1.0", b"1.1"))


def test_numbers_of_many_digits_are_told_apart_by_their_last() -> None:
    digits = b"1" * 100_000
    assert same_value(digits, digits + b".0")
    assert not same_value(digits + b"1", digits + b"2")
    assert not same_value(b"1e" + digits, b"1e" + digits + b"1")
