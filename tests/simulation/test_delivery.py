"""Some items are late, some come a second time, some with other content: as many as was asked for."""

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest

from app.simulation import Scenario, batches, simulate
from tests.model import Model
from tests.simulation.reading import END, made, read

EVENTS = 6_000
LATE_EVENTS = 15_000


def week(**shares: float) -> Scenario:
    return Scenario(start=END - timedelta(days=7), end=END, **shares)  # type: ignore[arg-type]


def late_share(scenario: Scenario) -> float:
    """How many items come after one that happened more than a second later."""
    latest, late = scenario.start, 0
    for deed in made(scenario, LATE_EVENTS):
        late += deed.at < latest - timedelta(seconds=1)
        latest = max(latest, deed.at)
    return late / LATE_EVENTS


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2])
def test_so_many_items_are_late_as_was_asked_for(share: float) -> None:
    assert 0.8 * share <= late_share(week(late=share)) <= 1.2 * share


@pytest.mark.parametrize(
    ("repeated", "conflicting"),
    [(0.0, 0.0), (0.005, 0.001), (0.1, 0.0), (0.0, 0.1), (0.25, 0.25), (0.5, 0.0)],
)
def test_so_many_items_come_again_as_was_asked_for(repeated: float, conflicting: float) -> None:
    texts = list(simulate(week(repeated=repeated, conflicting=conflicting), EVENTS))
    assert len(texts) == EVENTS
    again = Counter(texts)
    assert sum(count - 1 for count in again.values()) == EVENTS * repeated
    assert max(again.values()) <= 2
    contents = defaultdict(set)
    for deed, text in zip(read(texts), texts, strict=True):
        contents[deed.data["unique_id"]].add(text)
    assert sum(len(each) - 1 for each in contents.values()) == EVENTS * conflicting
    receipts = Model()
    told = [receipts.ingest_body(body) for body in batches(texts, 1_000)]
    outcomes = Counter(item["outcome"] for receipt in told for item in receipt.items)
    assert outcomes["duplicate"] == EVENTS * repeated
    assert outcomes["conflict"] == EVENTS * conflicting


def test_what_comes_again_comes_after_the_first() -> None:
    """A conflict that came first would be what is recorded."""
    first: dict[str, Any] = {}
    larger = corrected = 0
    for deed in made(week(late=0.5, conflicting=0.3), EVENTS):
        sent = first.setdefault(deed.data["unique_id"], deed)
        if sent is not deed:
            assert sent.event == deed.event
            assert sent.at == deed.at
            if "amount" in deed.data:
                assert deed.amount > sent.amount
                larger += 1
            else:
                assert deed.data == sent.data | {"corrected": True}
                corrected += 1
    assert larger > 100
    assert corrected > 3
    assert larger + corrected == EVENTS * 0.3


def test_no_item_is_lost_on_the_way() -> None:
    """What is late at the end comes at the end."""
    counts = Counter(
        (deed.data["round_id"], deed.data["is_win"])
        for deed in made(week(late=1.0), EVENTS)
        if deed.event == "gameround"
    )
    without_win = [each for each, is_win in counts if not is_win and (each, True) not in counts]
    assert len(without_win) < 0.05 * len(counts)


@pytest.mark.parametrize("events", [0, 1, 2, 3, 39, 1_001])
@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.5, 0.0), (0.25, 0.25), (0.0, 0.5)])
def test_any_number_of_items_is_given_exactly(events: int, shares: tuple[float, float]) -> None:
    repeated, conflicting = shares
    scenario = week(repeated=repeated, conflicting=conflicting, late=0.3)
    assert len(list(simulate(scenario, events))) == events


@pytest.mark.parametrize(
    "shares",
    [
        {"late": -0.1},
        {"late": 1.1},
        {"late": float("nan")},
        {"repeated": -0.1},
        {"repeated": 0.51},
        {"conflicting": 0.51},
        {"repeated": 0.3, "conflicting": 0.3},
        {"repeated": float("nan")},
        {"conflicting": float("nan")},
    ],
    ids=str,
)
def test_shares_that_can_not_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"the shares? of"):
        week(**shares)
