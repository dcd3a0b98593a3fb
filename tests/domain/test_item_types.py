"""The catalogue of item types: what does not agree with the domain events is found at import."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.events import BetPlaced, Deposited, LoggedIn, WinPaid
from domain.item_types import (
    ITEM_TYPES,
    WIRE_TYPES,
    CatalogueError,
    ItemType,
    Kind,
    Member,
    Stream,
    check,
)


def changed(wire_type: str, **members: Any) -> list[ItemType]:
    return [
        entry._replace(**members) if entry.wire_type == wire_type else entry
        for entry in ITEM_TYPES.values()
    ]


def without(wire_type: str, name: str) -> list[ItemType]:
    members = tuple(each for each in ITEM_TYPES[wire_type].members if each.name != name)
    return changed(wire_type, members=members)


LOGIN = ITEM_TYPES["login"]
MISTAKES: dict[str, tuple[Callable[[], list[ItemType]], str]] = {
    "an event without an entry": (lambda: changed("gameround", events=(BetPlaced,)), "topics"),
    "an event of two entries": (lambda: changed("login", events=(Deposited,)), "topics"),
    "an entry too few": (lambda: [*ITEM_TYPES.values()][:-1], "topics"),
    "another order": (lambda: [*ITEM_TYPES.values()][::-1], "WireType"),
    "two events and no flag": (lambda: changed("gameround", told_by=None), "which of its events"),
    "a flag that is none": (lambda: changed("gameround", told_by="round_id"), "which of its"),
    "one event and a flag": (lambda: changed("login", told_by="is_win"), "which of its events"),
    "no such stream": (
        lambda: changed("login", stream=Stream("game:", "game_id")),
        "its stream needs game_id",
    ),
    "a member that the event lacks": (
        lambda: changed("login", members=(*LOGIN.members, Member("more", Kind.TEXT, False))),
        "the members of LoggedIn are others",
    ),
    "a member that only the event has": (
        lambda: without("deposit", "amount_eur"),
        "the example lacks a member, or has one too many",
    ),
    "a member that must not be absent": (
        lambda: changed(
            "login",
            members=(
                *LOGIN.members[:-2],
                LOGIN.members[1]._replace(required=False),
                LOGIN.members[2],
            ),
        ),
        "LoggedIn requires other members",
    ),
    "an example that can't be sent": (
        lambda: changed("login", example={"unique_id": "l-1"}),
        "the example lacks a member",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_does_not_agree_with_the_events_is_refused(mistake: str) -> None:
    entries, words = MISTAKES[mistake]
    with pytest.raises(CatalogueError, match=words):
        check(entries())


def test_a_flag_tells_which_event_a_gameround_is() -> None:
    assert ITEM_TYPES["gameround"].events == (BetPlaced, WinPaid)
    assert ITEM_TYPES["gameround"].told_by == "is_win"
    assert ITEM_TYPES["login"].events == (LoggedIn,)
    assert WIRE_TYPES["WinPaid"] == WIRE_TYPES["BetPlaced"] == "gameround"
