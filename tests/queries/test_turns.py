"""Fair turns, against a model that knows only what was asked, begun and ended."""

import itertools
from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api.querying.turns import Kind, Lane, TooManyWaitingError, Turns

THREADS = 5
LIMIT_BYTES = 100
MOST_WAITING = 6

KINDS: tuple[Kind, ...] = ("query", "stream")
LANES = [Lane(tenant_id, kind) for tenant_id in (1, 2, 3) for kind in KINDS]


class Asked(NamedTuple):
    """A read that waits: what it is for, and its number in the order of asking."""

    lane: Lane
    key_id: int
    number: int


class TurnsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.turns: Turns[int] = Turns(
            threads=THREADS, unsent_limit_bytes=LIMIT_BYTES, most_waiting=MOST_WAITING
        )
        self.numbers = itertools.count()
        self.waiting: list[Asked] = []
        self.running: list[Lane] = []
        self.unsent: list[tuple[Lane, int]] = []
        # By whom each lane that may begin was overtaken since it last began, or could not.
        self.overtaken: dict[Lane, Counter[Lane]] = {}

    def may_begin(self, lane: Lane) -> bool:
        of_tenant = sum(each.tenant_id == lane.tenant_id for each in self.running)
        held = sum(size for each, size in self.unsent if each == lane)
        of_kind = sum(size for each, size in self.unsent if each.kind == lane.kind)
        return of_tenant < THREADS - len(self.running) and held < LIMIT_BYTES - of_kind

    @rule(lane=st.sampled_from(LANES), key_id=st.integers(1, 3))
    def ask(self, lane: Lane, key_id: int) -> None:
        asked = Asked(lane, key_id, next(self.numbers))
        of_lane = [each for each in self.waiting if each.lane == lane]
        of_key = [each for each in of_lane if each.key_id == key_id]
        full = len(of_lane) >= MOST_WAITING or len(of_key) >= MOST_WAITING // 2
        if lane.kind == "query" and full:
            with pytest.raises(TooManyWaitingError):
                self.turns.ask(*asked)
        else:
            self.turns.ask(*asked)
            self.waiting.append(asked)

    @rule()
    def begin(self) -> None:
        eligible = {each.lane for each in self.waiting if self.may_begin(each.lane)}
        begun = self.turns.begin()
        if begun is None:
            assert not eligible
            return
        lane, number = begun
        assert lane in eligible
        (asked,) = (each for each in self.waiting if each.number == number)
        assert asked.lane == lane
        same = [e.number for e in self.waiting if (e.lane, e.key_id) == (lane, asked.key_id)]
        assert number == min(same), "within a key it goes by the order of asking"
        self.waiting.remove(asked)
        self.running.append(lane)
        self.overtaken.pop(lane, None)
        for other in eligible - {lane}:
            self.overtaken.setdefault(other, Counter())[lane] += 1
            assert self.overtaken[other][lane] <= 1, "nobody is overtaken twice by the same"
        for other in set(self.overtaken) - eligible:
            del self.overtaken[other]

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(self.running))
        self.running.remove(lane)
        self.turns.end(lane)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(asked)
        self.turns.withdraw(*asked)
        self.turns.withdraw(*asked)  # what does not wait may be withdrawn too
        if all(each.lane != asked.lane for each in self.waiting):
            self.overtaken.pop(asked.lane, None)

    @rule(lane=st.sampled_from(LANES), size=st.integers(1, 60))
    def hold(self, lane: Lane, size: int) -> None:
        self.unsent.append((lane, size))
        self.turns.hold(lane, size)

    @precondition(lambda self: self.unsent)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.unsent))
        self.unsent.remove(held)
        self.turns.release(*held)

    @invariant()
    def no_more_run_than_may(self) -> None:
        assert len(self.running) <= THREADS


TestTurns = TurnsMachine.TestCase


def begun(turns: Turns[str]) -> list[str]:
    return [work for _, work in iter(turns.begin, None)]


def test_a_tenant_alone_leaves_threads_to_whoever_comes() -> None:
    turns: Turns[str] = Turns(threads=5, unsent_limit_bytes=1, most_waiting=1_000)
    for number in range(32):
        turns.ask(Lane(1, "query"), 1, f"a{number}")
    assert begun(turns) == ["a0", "a1", "a2"]
    turns.ask(Lane(2, "query"), 2, "b0")
    turns.ask(Lane(2, "query"), 2, "b1")
    assert begun(turns) == ["b0"]
    turns.ask(Lane(3, "query"), 3, "c0")
    assert begun(turns) == ["c0"]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_tenant_is_served_however_few_threads_there_are(threads: int) -> None:
    turns: Turns[int] = Turns(threads=threads, unsent_limit_bytes=1, most_waiting=100)
    for number in range(40):
        turns.ask(Lane(number % 4, "query"), number % 4, number)
    served: list[int] = []
    running: list[Lane] = []
    while len(served) < 40:
        while (started := turns.begin()) is not None:
            running.append(started[0])
            served.append(started[1])
        turns.end(running.pop(0))
    assert sorted(served) == list(range(40))


def test_within_a_tenant_keys_take_turns() -> None:
    turns: Turns[str] = Turns(threads=1, unsent_limit_bytes=1, most_waiting=100)
    for number in range(20):
        turns.ask(Lane(1, "query"), 1, f"busy {number}")
    turns.ask(Lane(1, "query"), 2, "quiet")
    order = []
    for _ in range(2):
        order += begun(turns)
        turns.end(Lane(1, "query"))
    assert order == ["busy 0", "quiet"]


def test_who_lets_much_unsent_reads_no_more_and_others_do() -> None:
    turns: Turns[str] = Turns(threads=5, unsent_limit_bytes=100, most_waiting=100)
    stalled, other = Lane(1, "stream"), Lane(2, "stream")
    turns.hold(stalled, 50)
    turns.ask(stalled, 1, "stalled")
    turns.ask(other, 2, "other")
    turns.ask(Lane(1, "query"), 1, "its query")
    assert begun(turns) == ["other", "its query"]
    turns.release(stalled, 50)
    assert begun(turns) == ["stalled"]
