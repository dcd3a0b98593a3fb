"""Judging a batch by what is recorded: pure, and so held against a model without any database."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recording import KeyCollisionError, prepare
from app.recording.judge import judge
from app.recording.known_events import KnownEvent
from app.wire.items import Item
from domain.ids import event_key
from domain.instant import Instant

NOON = Instant.parse("2025-01-15T12:00:00Z")
TOPICS = {"a bet": "BetPlaced", "a login": "LoggedIn"}


class Known(NamedTuple):
    by_key: Mapping[bytes, KnownEvent]
    large: Mapping[int, bytes]

    def state(self, event: KnownEvent) -> bytes:
        return self.large[event.position] if event.state is None else event.state


def state(unique_id: str, content: int, spaces: int) -> bytes:
    return b'{"unique_id":%s"%s","n":%d}' % (b" " * spaces, unique_id.encode(), content)


class Sent(NamedTuple):
    unique_id: str
    kind: str
    content: int
    spaces: int

    def item(self) -> Item:
        text = state(self.unique_id, self.content, self.spaces)
        return Item(self.unique_id, TOPICS[self.kind], "player:p", NOON, text)


def sents() -> st.SearchStrategy[list[Sent]]:
    one = st.builds(
        Sent,
        st.sampled_from("abcde"),
        st.sampled_from([*TOPICS]),
        st.integers(0, 1),
        st.integers(0, 2),
    )
    return st.lists(one, max_size=12)


@given(sents(), sents(), st.booleans())
def test_the_first_of_an_id_is_recorded_and_the_others_are_compared_with_it(
    before: list[Sent], batch: list[Sent], large: bool
) -> None:
    standing: dict[str, tuple[int, Sent]] = {}
    for position, sent in enumerate(before, start=1):
        standing.setdefault(sent.unique_id, (position, sent))
    known = Known(
        {
            event_key(unique_id): KnownEvent(
                position, TOPICS[sent.kind], None if large else sent.item().state
            )
            for unique_id, (position, sent) in standing.items()
        },
        {position: sent.item().state for position, sent in standing.values()},
    )
    expected: list[tuple[str, int]] = []
    new = 0
    for sent in batch:
        if sent.unique_id not in standing:
            new += 1
            standing[sent.unique_id] = (1_000 + new, sent)
            expected.append(("stored", 1_000 + new))
        else:
            position, first = standing[sent.unique_id]
            same = (first.kind, first.content) == (sent.kind, sent.content)
            expected.append(("duplicate" if same else "conflict", position))
    judged = judge(prepare([sent.item() for sent in batch]), known)
    positions = judged.positions(range(1_001, 1_001 + new))
    assert list(zip(judged.outcomes, positions, strict=True)) == expected
    assert [refused.at for refused in judged.refused] == [
        index for index, (outcome, _) in enumerate(expected) if outcome == "conflict"
    ]


def test_a_login_of_the_other_dialect_is_another_content() -> None:
    data = b'{"unique_id":"a","player_id":"p","user_id":"u","timestamp":"2025-01-15T12:00:00Z"}'
    own, theirs = (
        Item("a", topic, "player:p", NOON, data) for topic in ("LoggedIn", "LoggedIn.fasttrack")
    )
    known = Known({event_key("a"): KnownEvent(1, own.topic, data)}, {})
    assert judge(prepare([own]), known).outcomes == ["duplicate"]
    assert judge(prepare([theirs]), known).outcomes == ["conflict"]
    assert judge(prepare([own, theirs]), Known({}, {})).outcomes == ["stored", "conflict"]


def test_an_id_under_the_key_of_another_is_no_conflict_but_a_collision() -> None:
    sent = Sent("a", "a bet", 0, 0)
    other = KnownEvent(1, "BetPlaced", state("b", 0, 0))
    with pytest.raises(KeyCollisionError, match="'a' and 'b'"):
        judge(prepare([sent.item()]), Known({event_key("a"): other}, {}))
