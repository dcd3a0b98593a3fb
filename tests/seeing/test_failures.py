"""What of a failure those who run the service are told: its kind and place, and never what is in a log."""

from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.failures import without_values
from app.evidence.attesting import NotSignedError
from app.evidence.failing import reason_of
from app.evidence.guard import RefusedError
from app.evidence.keys import KeyFileError
from app.evidence.sealing import UnsoundError
from domain.events import UnknownTopicError, decode
from domain.evidence.heads import HeadsError


class _Inner(msgspec.Struct):
    kind: Literal["a", "b"]


class _Outer(msgspec.Struct):
    inner: list[_Inner]


def failure_of(text: str, kind: object = _Outer) -> str:
    with pytest.raises(msgspec.MsgspecError) as caught:
        msgspec.json.decode(text, type=kind)
    return reason_of(caught.value)


SECRET = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(SECRET)
def test_what_could_not_be_read_is_not_quoted_and_its_place_is_told(secret: str) -> None:
    value = msgspec.json.encode(f"<{secret}>").decode()
    reason = failure_of(f'{{"inner":[{{"kind":{value}}}]}}')
    assert "<" in reason
    assert without_values(reason) == "ValidationError at $.inner[0].kind"
    assert without_values(failure_of(value, Literal["a"])) == "ValidationError"


def test_a_value_that_looks_like_a_place_is_not_one() -> None:
    value = msgspec.json.encode("x - at `$.secret`").decode()
    assert without_values(failure_of(value, Literal["a"])) == "ValidationError"
    assert without_values("KeyError: x - at `$.secret`") == "KeyError"


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("size 3 is smaller than what was last signed"),
        KeyFileError("there is no signing key /keys/k.key"),
        UnsoundError("hashes under the checkpoint of size 3 are gone"),
        PermissionError(13, "Permission denied", "/keys"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_sentences_of_keys_files_and_sizes_are_told_whole(error: Exception) -> None:
    assert without_values(reason_of(error)) == reason_of(error)


def test_a_topic_that_is_not_known_is_named() -> None:
    with pytest.raises(UnknownTopicError) as caught:
        decode("Future", b"{}")
    assert without_values(reason_of(caught.value)) == "UnknownTopicError: unknown topic 'Future'"


@given(SECRET)
def test_of_all_else_there_is_the_type(secret: str) -> None:
    nested = NotSignedError(f"nothing is signed for this log: KeyError: {secret}")
    for error in (ValueError(secret), HeadsError(secret), nested):
        assert without_values(reason_of(error)) == type(error).__name__
