"""A balance over time: at each of its times what balances say as of it, at a bounded cost."""

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.gaming_day import DayRule
from domain.instant import format_instant
from projections.models import balance_history
from tests.model import instant
from tests.queries.asgi import Answer
from tests.queries.casino import Casino, Item, OpenCasino, bet, deposit, item
from tests.queries.plans import watched_connections
from tests.queries.reporting import BEGIN, CURRENCIES, PLAYERS, days_of_play
from tests.queries.test_gaming_days import set_days
from tests.queries.test_parameters import faults

PATH = "balances/history"
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
LAST = "9999-12-31T23:59:59.999999Z"


@pytest.fixture(scope="module", params=["UTC 06:00", "Europe/Copenhagen 06:05"])
def played(request: pytest.FixtureRequest, new_casino: OpenCasino) -> Casino:
    """A tenant whose days begin within ten minutes, and one whose days don't."""
    casino = new_casino()
    set_days(casino, DayRule.of(*request.param.split()))
    casino.send(days_of_play(11))
    casino.project(chunk_events=37)
    return casino


def points(casino: Casino, **asked: Any) -> list[Any]:
    answer = casino.get(PATH, **asked)
    assert answer.status == 200, answer.body
    assert answer.json["player_id"] == asked["player_id"]
    assert answer.json["currency"] == asked["currency"]
    found: list[Any] = answer.json["points"]
    return found


def as_of(casino: Casino, at: str, **whose: str) -> tuple[str, str]:
    rows = casino.items("balances", as_of=at, **whose)
    return (rows[0]["real"], rows[0]["bonus"]) if rows else ("0", "0")


moments = st.integers(-120, 5 * 24 * 60).map(lambda minute: BEGIN + timedelta(minutes=minute)) | (
    st.integers(0, 5 * 24 * 3_600 * 10**6).map(
        lambda micros: BEGIN + timedelta(microseconds=micros)
    )
)


@given(
    player_id=st.sampled_from([*PLAYERS, "nobody"]),
    currency=st.sampled_from([*CURRENCIES, "CAD"]),
    span=st.tuples(st.none() | moments, st.none() | moments),
    number=st.integers(2, 9),
    most=st.tuples(st.sampled_from([0, 3, 2_000]), st.sampled_from([0, 2, 500])),
)
@settings(max_examples=60)
def test_each_point_is_the_balance_as_of_its_time(
    played: Casino,
    player_id: str,
    currency: str,
    span: tuple[datetime | None, datetime | None],
    number: int,
    most: tuple[int, int],
) -> None:
    whose = {"player_id": player_id, "currency": currency}
    begin, end = span
    asked = {
        "from": None if begin is None else format_instant(begin),
        "to": None if end is None else format_instant(end),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(balance_history, "MOST_PERIODS", most[0])
        patch.setattr(balance_history, "MOST_EVENTS", most[1])
        found = points(played, points=number, **whose, **asked)
    times = [instant(point["at"]) for point in found]
    assert times == sorted(set(times))
    assert len(times) <= number
    for point in found:
        assert (point["real"], point["bonus"]) == as_of(played, point["at"], **whose)
    assert begin is None or all(begin <= time for time in times)
    assert end is None or all(time < end for time in times)
    if most[1] == 500:  # so that nowhere too much moved in ten minutes
        known = bool(played.items("balances", **whose))
        assert bool(found) == (known and (begin is None or end is None or begin < end))
        assert not found or begin is None or times[0] == begin
        assert not found or end is None or times[-1] == end - MOMENT


def test_times_are_evenly_spaced_and_by_default_from_the_first_movement_to_the_last(
    casino: Casino,
) -> None:
    casino.fill(
        [
            deposit(timestamp="2025-01-15T12:00:00Z", amount=10),
            bet(timestamp="2025-01-15T12:00:01Z", amount=2.5),
            bet(timestamp="2025-01-15T12:00:03Z", amount=1, is_bonus=True),
            deposit(timestamp="2025-01-15T12:00:04Z", currency="SEK"),
            item("login", player_id="p", timestamp="2025-01-15T13:00:00Z"),
        ]
    )
    found = points(casino, player_id="p", currency="EUR", points=4)
    assert [(point["at"][-3:-1], point["real"], point["bonus"]) for point in found] == [
        ("00", "10", "0"),
        ("01", "7.5", "0"),
        ("02", "7.5", "0"),
        ("03", "7.5", "-1"),
    ]


def test_one_movement_is_one_point(casino: Casino) -> None:
    casino.fill([deposit(amount=3)])
    found = points(casino, player_id="p", currency="EUR")
    assert found == [{"at": "2025-01-15T12:00:00Z", "real": "3", "bonus": "0"}]


def test_what_begins_behind_the_last_movement_or_ends_before_the_first_is_flat(
    casino: Casino,
) -> None:
    casino.fill([deposit(amount=3)])
    whose = {"player_id": "p", "currency": "EUR"}
    (behind,) = points(casino, from_="2025-02-01", **whose)
    assert behind == {"at": "2025-02-01T00:00:00Z", "real": "3", "bonus": "0"}
    (before,) = points(casino, to="2025-01-01", **whose)
    assert before["real"] == "0"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"from": "0001-01-01T00:00:00Z"}, ["0001-01-01T00:00:00Z", "2025-01-15T12:00:00Z"]),
        (
            {"to": LAST},
            ["2025-01-15T12:00:00Z", "9999-12-31T23:59:59.999998Z"],
        ),
        ({"from": LAST}, [LAST]),
        ({"to": "0001-01-01T00:00:00Z"}, []),
        ({"from": "2025-01-16", "to": "2025-01-15"}, []),
    ],
)
def test_times_reach_as_far_as_times_do(
    asked: dict[str, str], expected: list[str], casino: Casino
) -> None:
    casino.fill([deposit(amount=3)])
    found = points(casino, player_id="p", currency="EUR", points=2, **asked)
    assert [point["at"] for point in found] == expected


def test_the_span_of_all_times_is_divided(casino: Casino) -> None:
    casino.fill([deposit(amount=3)])
    whose = {"player_id": "p", "currency": "EUR"}
    found = points(casino, points=500, from_="0001-01-01T00:00:00Z", to=LAST, **whose)
    times = [instant(point["at"]) for point in found]
    steps = {later - earlier for earlier, later in pairwise(times)}
    assert len(times) == 500
    assert max(steps) - min(steps) <= MOMENT
    assert {point["real"] for point in found} == {"0", "3"}


def test_dates_are_gaming_days(played: Casino) -> None:
    whose = {"player_id": PLAYERS[1], "currency": "EUR"}
    begin = played.items("activity", from_="2025-03-29", to="2025-03-30", group_by="day,currency")
    assert begin
    by_day = points(played, from_="2025-03-29", to="2025-03-31", points=9, **whose)
    assert len(by_day) == 9
    first, last = instant(by_day[0]["at"]), instant(by_day[-1]["at"])
    # In Copenhagen clocks are put forward that night: the day has 23 hours.
    assert last - first + timedelta(microseconds=1) in {2 * DAY, 2 * DAY - timedelta(hours=1)}


def test_it_comes_as_a_table_too(played: Casino) -> None:
    whose = {"player_id": PLAYERS[1], "currency": "EUR", "points": 5}
    answer: Answer = played.get(PATH, headers={"accept": "text/csv"}, **whose)
    name = f"balance-history-{answer.position}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    header, *lines = answer.body.decode().split("\r\n")
    assert header == "at,real,bonus"
    shown = points(played, **whose)
    assert len(lines) - 1 == len(shown)
    assert [line.split(",")[0] for line in lines[:-1]] == [point["at"] for point in shown]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {("player_id", "missing"), ("currency", "missing")}),
        ("player_id=p&currency=EUR&points=1", {("points", "out_of_range")}),
        ("player_id=p&currency=EUR&points=501", {("points", "out_of_range")}),
        ("player_id=p&currency=EUR&limit=5", {("limit", "unknown")}),
        ("player_id=p&currency=EUR&from=now", {("from", "not_a_timestamp")}),
    ],
)
def test_faults_are_named(query: str, expected: set[tuple[str, str]], casino: Casino) -> None:
    assert faults(casino.get(PATH, query=query)) == expected


def test_another_tenant_has_none_of_it(new_casino: OpenCasino) -> None:
    full, empty = new_casino(), new_casino()
    full.fill([deposit()])
    empty.fill([deposit(player_id="q")])
    assert points(full, player_id="p", currency="EUR")
    assert points(empty, player_id="p", currency="EUR") == []


def test_it_waits_for_a_position(casino: Casino) -> None:
    casino.fill([deposit()])
    asked = {"player_id": "p", "currency": "EUR"}
    assert casino.get(PATH, at_least=1, **asked).position == 1
    assert casino.get(PATH, at_least=2, **asked).status == 503


def steady_play(number: int) -> list[Item]:
    """Bets of a player, a minute apart, over days."""
    return [
        bet(amount=1, timestamp=format_instant(BEGIN + timedelta(minutes=minute)))
        for minute in range(number)
    ]


def points_and_rows_read(casino: Casino, **asked: Any) -> tuple[list[Any], Counter[str]]:
    with watched_connections() as watch, watch.watching() as explained:
        found = points(casino, **asked)
    read: Counter[str] = Counter()
    for _, scans in explained:
        for table, _node, rows in scans:
            read[table] += int(rows)
    return found, read


def test_much_that_moved_costs_no_more_than_it_may(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino.send_body(json.dumps({"items": steady_play(3_000)}).encode())
    casino.project()
    monkeypatch.setattr(balance_history, "MOST_PERIODS", 100)
    monkeypatch.setattr(balance_history, "MOST_EVENTS", 50)
    whose = {"player_id": "p", "currency": "EUR"}
    by_day, read = points_and_rows_read(casino, points=50, **whose)
    # What may be read in vain, of the first and the last day, of days, and of each point's period, twice.
    assert read["events"] <= 3 * 50
    assert read["balance_periods"] <= 100 + 1 + 2 * 144 + 2 * 50 + 100
    assert [point["at"][11:] for point in by_day[1:-1]] == ["23:59:59.999999Z"] * 2
    assert [float(point["real"]) for point in by_day][-1] == -3_000


@pytest.fixture(scope="module")
def bursting(new_casino: OpenCasino) -> Casino:
    """A player of whom a little moved at 11:50 and 12:10, and much from 12:00 on, a second apart."""
    casino = new_casino()
    casino.fill(
        [
            deposit(amount=1_000, timestamp="2025-01-15T11:55:00Z"),
            *(
                bet(timestamp=f"2025-01-15T12:{number // 60:02}:{number % 60:02}Z")
                for number in range(300)
            ),
            bet(timestamp="2025-01-15T12:15:00Z"),
        ]
    )
    return casino


BURSTING = {"player_id": "p", "currency": "EUR"}


EDGES = [
    ("12:02:00", "12:20:00", [("12:09:59.999999", "700"), ("12:19:59.999999", "699")]),
    ("11:52:00", "12:04:00", [("11:52:00", "0"), ("11:59:59.999999", "1000")]),
    ("12:02:00", "12:04:00", []),
    ("12:09:59.999999", "12:10:00", [("12:09:59.999999", "700")]),
]


@pytest.mark.parametrize(("begin", "end", "expected"), EDGES)
def test_among_too_much_in_ten_minutes_the_ends_are_told_at_the_edges_of_these(
    begin: str,
    end: str,
    expected: list[tuple[str, str]],
    bursting: Casino,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(balance_history, "MOST_EVENTS", 50)
    found = points(bursting, points=2, **between(begin, end), **BURSTING)
    assert [(point["at"][11:-1], point["real"]) for point in found] == expected


@pytest.mark.parametrize(("begin", "end"), [edge[:2] for edge in EDGES])
def test_among_too_much_in_ten_minutes_hardly_an_event_is_read(
    begin: str, end: str, bursting: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance_history, "MOST_EVENTS", 50)
    _, read = points_and_rows_read(bursting, points=2, **between(begin, end), **BURSTING)
    assert read["events"] <= 2


def between(begin: str, end: str) -> dict[str, str]:
    return {"from_": f"2025-01-15T{begin}Z", "to": f"2025-01-15T{end}Z"}


def test_too_much_in_the_only_ten_minutes_is_told_at_their_end(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino.fill([bet() for _ in range(60)])
    monkeypatch.setattr(balance_history, "MOST_EVENTS", 50)
    found = points(casino, **BURSTING)
    assert found == [{"at": "2025-01-15T12:09:59.999999Z", "real": "-60", "bonus": "0"}]


def test_too_much_in_the_only_ten_minutes_is_told_without_reading_events(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino.fill([bet() for _ in range(60)])
    monkeypatch.setattr(balance_history, "MOST_EVENTS", 50)
    _, read = points_and_rows_read(casino, **BURSTING)
    assert not read["events"]


def test_what_moved_in_ten_minutes_is_read_once(bursting: Casino) -> None:
    found, read = points_and_rows_read(bursting, points=500, **BURSTING)
    assert len(found) == 500
    assert read["events"] == 302
