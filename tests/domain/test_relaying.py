"""What is relayed: which events are meant, where they go, and how long failures are waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.item_types import EVENT_TYPES
from domain.relaying import (
    EVENTS,
    LONGEST_ASKED_S,
    LONGEST_PAUSE_S,
    Kind,
    TargetError,
    UnknownEventError,
    check_target,
    fill,
    message_id,
    pause_s,
    topics_of,
)


@given(st.integers(1, 10**6), st.floats(0, 1), st.none() | st.floats(0, 10**9))
def test_pauses_grow_to_a_bound_and_are_no_shorter_than_was_asked(
    failures: int, chance: float, asked: float | None
) -> None:
    pause = pause_s(failures, chance, asked)
    assert 0.5 <= pause <= max(LONGEST_PAUSE_S, min(asked or 0, LONGEST_ASKED_S))
    assert asked is None or pause >= min(asked, LONGEST_ASKED_S)
    assert pause_s(failures + 1, chance) >= pause_s(failures, chance)


def test_pauses_double_and_a_half_is_left_to_chance() -> None:
    assert [pause_s(failures, 1) for failures in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]
    assert pause_s(3, 0) == 2


def test_an_item_type_stands_for_all_that_it_becomes_in_each_dialect() -> None:
    assert topics_of(None) is None
    assert topics_of(["WinPaid"]) == [topic for topic in EVENT_TYPES if topic.startswith("WinPaid")]
    assert {"BetPlaced", "WinPaid"} <= set(topics_of(["gameround"]) or [])
    assert set(topics_of(EVENTS) or []) == set(EVENT_TYPES)
    with pytest.raises(UnknownEventError, match="knows no events a, b"):
        topics_of(["b", "login", "a"])


def test_ids_are_of_the_log_and_the_position() -> None:
    assert message_id(bytes(15) + b"\x01", 12) == "00000000000000000000000000000001-12"


def test_the_names_of_an_event_are_put_in() -> None:
    filled = fill("a.{tenant}.{event}.{type}", tenant="acme", event="login", type_="LoggedIn")
    assert filled == "a.acme.login.LoggedIn"


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("nats", "roundbook.{tenant}.{event}.{type}"),
        ("nats", "events"),
        ("rabbitmq", "casino/{tenant}.{event}"),
        ("rabbitmq", "/queue"),
        ("rabbitmq", "fanout/"),
        ("kafka", "roundbook-{tenant}"),
    ],
)
def test_targets_that_can_be(kind: Kind, target: str) -> None:
    check_target(kind, target)


@pytest.mark.parametrize(
    ("kind", "target", "why"),
    [
        ("nats", "a.{stream}", r"\{stream\}"),
        ("nats", "a.{tenant", "a brace is left open"),
        ("nats", "a.*", "a subject is"),
        ("nats", "a..b", "a subject is"),
        ("nats", "a b", "a subject is"),
        ("rabbitmq", "casino", "an exchange, a slash"),
        ("rabbitmq", "x/" + "y" * 255, "an exchange, a slash"),
        ("kafka", "a/b", "a topic is"),
        ("kafka", "x" * 250, "a topic is"),
    ],
)
def test_targets_that_can_not_be(kind: Kind, target: str, why: str) -> None:
    with pytest.raises(TargetError, match=why):
        check_target(kind, target)
