"""Rounds that are taken back or end without a win: as many as was asked for, and what they look like."""

from collections import Counter
from datetime import timedelta

import pytest

from app.simulation import Scenario, batches, simulate
from tests.model import Model
from tests.simulation.reading import END, Deed, made, read

EVENTS = 40_000
KINDS = {"gameround", "rollback", "roundend"}
SCENARIO = Scenario(
    start=END - timedelta(days=3), end=END, players=100, rolled_back=0.03, ended=0.05, late=0.02
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return list(simulate(SCENARIO, EVENTS))


@pytest.fixture(scope="module")
def deeds(texts: list[str]) -> list[Deed]:
    return read(texts)


def test_so_many_rounds_are_taken_back_and_ended_as_was_asked_for(deeds: list[Deed]) -> None:
    rounds = len(
        {
            (deed.data["player_id"], deed.data["round_id"])
            for deed in deeds
            if "round_id" in deed.data
        }
    )
    counts = Counter(deed.event for deed in deeds)
    # Some stakes are still owed in the end.
    assert 0.02 < counts["rollback"] / rounds < 0.035
    assert 0.04 < counts["roundend"] / rounds < 0.06


def test_rollbacks_take_back_what_was_bet_some_of_it_on_another_day(texts: list[str]) -> None:
    model = Model()
    for body in batches(texts, 10_000):
        model.ingest_body(body)
    rollbacks = model.rollbacks()
    counts = Counter(row["status"] for row in rollbacks)
    assert counts.keys() == {"matched", "unreferenced"}
    assert counts["matched"] > 5 * counts["unreferenced"]
    bets = {entry.unique_id: entry.at for entry in model.log.entries}
    days = Counter(
        (row["timestamp"].date() - bets[row["reference"]].date()).days
        for row in rollbacks
        if row["status"] == "matched"
    )
    assert days[0] > days[1] > 0
    statuses = Counter(row["status"] for row in model.rounds())
    assert statuses["rolled_back"] > 100
    ended = [row for row in model.rounds() if row["ended_at"] is not None]
    assert {row["status"] for row in ended} == {"settled"}


def test_some_are_late_over_the_edge_of_a_day(deeds: list[Deed]) -> None:
    latest, over = deeds[0].at, 0
    for deed in deeds:
        over += deed.at.date() < latest.date()
        latest = max(latest, deed.at)
    assert over > 10


def test_live_games_are_in_two_time_zones(deeds: list[Deed]) -> None:
    zones = Counter(
        deed.data["timestamp"][-6:] for deed in deeds if deed.data["timestamp"][-6] == "+"
    )
    assert zones.keys() == {"+01:00", "+02:00"}


def test_without_them_a_scenario_is_what_it_was() -> None:
    scenario = Scenario(start=END - timedelta(days=3), end=END)
    assert not {deed.event for deed in made(scenario, 5_000)} & {"rollback", "roundend"}


@pytest.mark.parametrize("shares", [{"rolled_back": -0.1}, {"ended": 1.1}, {"ended": float("nan")}])
def test_shares_that_can_not_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="the shares of rounds"):
        Scenario(**shares)  # type: ignore[arg-type]
