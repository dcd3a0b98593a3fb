import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.json_text import (
    NotJsonError,
    check_depth,
    check_syntax,
    check_utf8,
    has_more_elements,
)
from tests.strategies import json_texts


def first_bad_byte(text: bytes) -> int | None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


@given(st.binary(max_size=40))
def test_utf8_is_what_python_calls_utf8(text: bytes) -> None:
    offset = first_bad_byte(text)
    if offset is None:
        check_utf8(text)
        return
    with pytest.raises(NotJsonError) as caught:
        check_utf8(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize("before", [65530, 65533, 65534, 65535, 65536, 131071])
def test_utf8_is_checked_across_pieces(before: int) -> None:
    check_utf8(b"a" * before + "😀é".encode())
    for bad in (b"\xff", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xf0\x9f\x98a"):
        with pytest.raises(NotJsonError) as caught:
            check_utf8(b"a" * before + bad)
        assert caught.value.offset == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "[1,]",
        '{"a":1,}',
        "{}x",
        "{} {}",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "-",
        "1e",
        "'a'",
        "{a:1}",
        '{"a"}',
        "[1 2]",
        "tru",
        "True",
        '"\\x"',
        '"\\u12g4"',
        '"a\nb"',
        '"a\x00b"',
        "\ufeff{}",
        "// c\n{}",
        '"\\ud800"',
        '"\\udc00"',
        '"\\ud800\\ud800"',
        '"\\ud800 a and more text behind it"',
        '"\\udc00\\ud800"',
    ],
)
def test_what_is_not_json_is_refused_wherever_it_stands(text: str) -> None:
    for whole in (text, f'{{"items":[],"x":{text}}}', f'{{"items":[{{"data":{{"x":[{text}]}}}}]}}'):
        if whole is not text and not text.strip():
            continue
        with pytest.raises(NotJsonError):
            check_syntax(whole.encode())


def test_the_error_says_what_and_where() -> None:
    with pytest.raises(NotJsonError) as caught:
        check_syntax(b'{"a": 01}')
    assert caught.value.detail == "invalid number"
    assert caught.value.offset == 7
    assert str(caught.value) == "invalid number (byte 7)"


def test_a_lone_surrogate_is_named_as_a_possible_cause() -> None:
    with pytest.raises(NotJsonError, match="surrogate"):
        check_syntax(b'"\\ud800"')


@given(json_texts(20))
def test_all_json_is_json(text: str) -> None:
    check_syntax(text.encode())


def depth(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case list():
            return 1 + max(map(depth, value), default=0)
    return 0


_BRACKETED = st.text(st.sampled_from('[]{}",\\:a'), max_size=8)
_VALUES = st.recursive(
    _BRACKETED | st.integers(0, 9),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(_BRACKETED, values, max_size=3),
)


@given(_VALUES, st.integers(100, 135))
def test_depth_is_counted_outside_strings_alone(value: object, around: int) -> None:
    text = "[" * around + json.dumps(value) + "]" * around
    if around + depth(value) <= 128:
        check_depth(text.encode())
    else:
        with pytest.raises(NotJsonError, match="128"):
            check_depth(text.encode())


@pytest.mark.parametrize(("opener", "closer"), [("[", "]"), ('{"a":', "}")])
def test_128_levels_are_fine_and_129_are_not(opener: str, closer: str) -> None:
    check_syntax((opener * 128 + "1" + closer * 128).encode())
    for levels in (129, 999, 1001, 100_000):
        with pytest.raises(NotJsonError, match="128 levels"):
            check_syntax((opener * levels + "1" + closer * levels).encode())


@pytest.mark.parametrize("filling", ['"[",', '"{\\"[",', '"[[","\\\\",', '"]}",'])
def test_strings_full_of_brackets_are_no_levels_over_many_pieces(filling: str) -> None:
    check_depth(("[" + filling * 60_000 + "[]]").encode())


@given(st.lists(_VALUES, max_size=6), st.integers(1, 6))
def test_elements_are_counted_on_the_first_level_alone(values: list[object], limit: int) -> None:
    text = json.dumps(values, indent=1).encode()
    assert has_more_elements(text, limit) == (len(values) > limit)
