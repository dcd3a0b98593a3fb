"""When it happens: within the time that was asked for, in visits, and by the hours of the day."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from app.simulation import Scenario, simulate
from tests.simulation.reading import END, Deed, by_player, made

WEEK = Scenario(start=END - timedelta(days=7), end=END, late=0)
# A turn takes 4.5 s at most, and a login is written to the second.
WITHIN_A_VISIT = timedelta(seconds=10)


@pytest.fixture(scope="module")
def week() -> list[Deed]:
    return made(WEEK, 60_000)


@pytest.mark.parametrize(
    ("span", "events", "players"),
    [
        (timedelta(days=7), 10_000, 1_000),
        (timedelta(days=7), 1, 1),
        (timedelta(days=365), 1_000, 1_000),
        (timedelta(days=1), 2_500, 20),
        (timedelta(hours=10), 10_000, 2),
        (timedelta(minutes=20), 10_000, 1_000),
        (timedelta(minutes=3), 10_000, 1_000),
        (timedelta(minutes=1), 100, 1_000),
        (timedelta(seconds=1), 20, 1_000),
        (timedelta(seconds=10), 1, 10),
    ],
    ids=str,
)
def test_all_of_it_happens_within_the_time_that_was_asked_for(
    span: timedelta, events: int, players: int
) -> None:
    for seed in range(2):
        scenario = Scenario(start=END - span, end=END, players=players, seed=seed)
        deeds = made(scenario, events)
        assert len(deeds) == events
        # Some times are written to the second.
        assert min(deed.at for deed in deeds) >= scenario.start - timedelta(seconds=1)
        assert max(deed.at for deed in deeds) < END


@pytest.mark.parametrize("seed", range(5))
def test_it_goes_on_to_the_end(seed: int) -> None:
    scenario = Scenario(start=END - timedelta(days=7), end=END, seed=seed)
    last = max(deed.at for deed in made(scenario, 20_000))
    assert END - last < timedelta(hours=4)


def test_an_end_is_the_same_in_every_zone() -> None:
    elsewhere = END.astimezone(timezone(timedelta(hours=9)))
    same = Scenario(start=END - timedelta(days=7), end=elsewhere)
    assert list(simulate(same, 500)) == list(
        simulate(Scenario(start=END - timedelta(days=7), end=END), 500)
    )


def test_few_play_at_five_in_the_morning_and_many_in_the_evening(week: list[Deed]) -> None:
    hours = Counter(deed.at.hour for deed in week)
    assert min(hours, key=hours.__getitem__) in {3, 4, 5, 6}
    assert max(hours, key=hours.__getitem__) in {19, 20, 21, 22}
    assert sum(hours[hour] for hour in (3, 4, 5, 6)) < 0.06 * len(week)
    assert sum(hours[hour] for hour in (19, 20, 21, 22)) > 0.28 * len(week)
    assert len(hours) == 24


def test_every_day_has_its_part(week: list[Deed]) -> None:
    days = Counter(deed.at.date() for deed in week)
    assert len(days) == 8
    whole = sorted(days.values())[2:]  # the first and the last day are parts of days
    assert max(whole) < 1.3 * min(whole)


def test_without_an_end_there_are_hours_too() -> None:
    deeds = made(Scenario(players=4, seed=9), 22_000)
    hours = Counter((deed.at.date(), deed.at.hour) for deed in deeds)
    first = datetime(2025, 1, 15, tzinfo=UTC).date()
    day = sum(hours[first, hour] for hour in (12, 13, 14, 15))
    assert sum(hours[first, hour] for hour in (19, 20, 21, 22)) > 1.5 * day
    assert sum(hours[first + timedelta(days=1), hour] for hour in (3, 4, 5, 6)) < 0.5 * day


def test_whoever_comes_logs_in_and_is_at_it_until_leaving(week: list[Deed]) -> None:
    pauses = 0
    for done in by_player(week).values():
        assert done[0].event in {"player", "login"}
        for one, other in pairwise(done):
            assert timedelta(0) <= other.at - one.at
            if other.at - one.at > WITHIN_A_VISIT:
                pauses += 1
                assert other.event in {"player", "login"}, (one, other)
    logins = sum(deed.event == "login" for deed in week)
    assert 0.9 * logins < pauses + len(by_player(week)) <= logins


def test_players_play_at_the_pace_of_people(week: list[Deed]) -> None:
    gaps = [
        other.at - one.at
        for done in by_player(week).values()
        for one, other in pairwise(done)
        if one.event == other.event == "gameround"
    ]
    assert min(gaps) > timedelta(milliseconds=200)
    assert timedelta(seconds=2) < sorted(gaps)[len(gaps) // 2] < timedelta(seconds=4)


def test_visits_are_short_and_long(week: list[Deed]) -> None:
    visits = Counter[tuple[str, int]]()
    for player, done in by_player(week).items():
        number = 0
        for deed in done:
            number += deed.event == "login"
            visits[player, number] += deed.event == "gameround"
    sizes = sorted(visits.values())
    assert sizes[len(sizes) // 10] < 15
    assert sizes[len(sizes) * 9 // 10] > 150


def test_more_than_the_players_can_do_is_refused() -> None:
    start = END - timedelta(hours=1)
    with pytest.raises(ValueError, match="more players, a longer time or fewer events"):
        simulate(Scenario(start=start, end=END, players=10), 6_001)
    assert len(list(simulate(Scenario(start=start, end=END, players=10), 6_000))) == 6_000
