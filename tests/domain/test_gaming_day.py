"""Gaming days: by a plain walk along the clock on the wall, in any zone, where clocks are changed too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gaming_day import DayRule, DayRuleError, GamingDays
from domain.instant import Instant

# Half hours, changes at midnight, a day that was left out, another offset for good, changes of 30 minutes.
ZONES = (
    *("UTC", "Europe/Copenhagen", "America/New_York", "America/Sao_Paulo"),
    "Australia/Lord_Howe",
    *("Asia/Kathmandu", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Pyongyang"),
    "Africa/Casablanca",
    *("America/St_Johns", "Asia/Beirut", "Etc/GMT+12", "Antarctica/Troll"),
)
MINUTE = timedelta(minutes=1)

moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001  # UTC is added
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
rules = st.builds(DayRule, st.sampled_from(ZONES), st.integers(0, 1439))


def days_of(time_zone: str, starts_at: str) -> GamingDays:
    return GamingDays(DayRule.of(time_zone, starts_at))


@cache
def zone_of(package_name: str) -> ZoneInfo:
    """The zone as the package has it: what the host knows may be older."""
    with files("tzdata").joinpath("zoneinfo", *package_name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file)


def walls(zone: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """What a clock on the wall shows, now and then."""
    at = first
    while at < last:
        yield at.astimezone(zone_of(zone)).replace(tzinfo=None)
        at += 17 * MINUTE


@given(rule=rules, moment=moments)
def test_a_day_begins_when_a_clock_on_the_wall_first_shows_its_date_and_time_or_later(
    rule: DayRule, moment: datetime
) -> None:
    days = GamingDays(rule)
    day = days.of(moment)
    begin = days.begin(day)
    assert begin <= moment < days.end(day)
    shown = datetime.combine(day, datetime.min.time()) + rule.starts_at_minute * MINUTE
    [at_begin] = walls(rule.time_zone, begin, begin + MINUTE)
    assert at_begin >= shown
    # The last of them is one minute before.
    assert all(wall < shown for wall in walls(rule.time_zone, begin - 1_531 * MINUTE, begin))


@given(rule=rules, moment=moments)
def test_days_follow_each_other_without_a_gap(rule: DayRule, moment: datetime) -> None:
    days = GamingDays(rule)
    day = days.of(moment)
    assert days.of(days.begin(day)) == day
    assert days.of(days.begin(day) - timedelta(microseconds=1)) < day
    assert days.of(days.end(day)) > day
    assert days.begin_of(moment) == days.begin(day)
    # In an order that the cache does not expect.
    for hours in (30, -30, 1, -1, 0):
        at = moment + timedelta(hours=hours)
        assert days.begin(days.of(at)) <= at < days.end(days.of(at))


@given(moment=moments)
def test_without_a_rule_a_day_is_that_of_utc(moment: datetime) -> None:
    days = GamingDays(DayRule())
    assert days.of(moment) == moment.date()
    assert days.begin(moment.date()) == moment.replace(hour=0, minute=0, second=0, microsecond=0)
    instant = Instant.fromisoformat(moment.isoformat())
    assert days_of("Etc/UTC", "00:00").of(instant) == days.of(instant) == moment.date()


def test_days_have_23_and_25_hours_where_clocks_are_changed() -> None:
    days = days_of("Europe/Copenhagen", "06:00")
    hours = {
        day: (days.end(day) - days.begin(day)) / timedelta(hours=1)
        for day in (date(2025, 3, 28) + timedelta(n) for n in range(4))
    }
    assert hours == {
        date(2025, 3, 28): 24,
        date(2025, 3, 29): 23,
        date(2025, 3, 30): 24,
        date(2025, 3, 31): 24,
    }
    assert days.begin(date(2025, 3, 29)) == datetime(2025, 3, 29, 5, tzinfo=UTC)
    assert days.begin(date(2025, 3, 30)) == datetime(2025, 3, 30, 4, tzinfo=UTC)
    assert days.end(date(2025, 10, 25)) - days.begin(date(2025, 10, 25)) == timedelta(hours=25)
    assert days.of(datetime(2025, 10, 26, 4, 59, 59, tzinfo=UTC)) == date(2025, 10, 25)
    assert days.of(datetime(2025, 10, 26, 5, tzinfo=UTC)) == date(2025, 10, 26)


def test_a_beginning_that_the_clock_leaves_out_is_when_it_is_changed() -> None:
    days = days_of("Europe/Copenhagen", "02:30")
    assert days.begin(date(2025, 3, 30)) == datetime(2025, 3, 30, 1, tzinfo=UTC)
    assert days.begin(date(2025, 3, 31)) == datetime(2025, 3, 31, 0, 30, tzinfo=UTC)


def test_of_a_beginning_that_the_clock_shows_twice_the_first_counts() -> None:
    days = days_of("Europe/Copenhagen", "02:30")
    assert days.begin(date(2025, 10, 26)) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert days.of(datetime(2025, 10, 26, 1, 15, tzinfo=UTC)) == date(2025, 10, 26)


def test_a_date_that_a_zone_left_out_is_a_day_of_no_length() -> None:
    days = days_of("Pacific/Apia", "00:00")
    left_out = date(2011, 12, 30)
    assert days.begin(left_out) == days.end(left_out) == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert days.of(days.begin(left_out)) == date(2011, 12, 31)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC", "Europe/Copenhagen"])
@pytest.mark.parametrize("starts_at", ["00:00", "06:00", "23:59"])
def test_the_first_and_the_last_day_take_what_there_is_no_date_for(
    zone: str, starts_at: str
) -> None:
    days = days_of(zone, starts_at)
    first, last = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert days.of(first) in {date.min, date.min + timedelta(1)}
    assert days.begin_of(first) <= first
    assert days.of(last) in {date.max, date.max - timedelta(1)}
    assert days.begin_of(last) <= last
    assert days.begin(date.min) == first
    assert days.end(date.max) == last


def test_the_first_day_from_a_moment_on() -> None:
    days = days_of("Europe/Copenhagen", "06:00")
    begin = datetime(2025, 1, 15, 5, tzinfo=UTC)
    assert days.first_from(begin) == date(2025, 1, 15)
    assert days.first_from(begin + timedelta(microseconds=1)) == date(2025, 1, 16)
    assert days.first_from(begin - timedelta(hours=24)) == date(2025, 1, 14)


@pytest.mark.parametrize(
    "zone", ["", "Copenhagen", "europe/copenhagen", "../../etc/passwd", "CEST", "zones"]
)
def test_a_zone_that_there_is_not_is_refused(zone: str) -> None:
    with pytest.raises(DayRuleError, match="is no time zone"):
        DayRule.of(zone, "00:00")
    with pytest.raises(DayRuleError, match="is no time zone"):
        GamingDays(DayRule(zone, 0))


@pytest.mark.parametrize(
    "starts_at", ["24:00", "6:00", "06:60", "06:00:00", "", "-1:00", "\u0660\u0666:00"]
)
def test_a_time_that_there_is_not_is_refused(starts_at: str) -> None:
    with pytest.raises(DayRuleError, match="is no time of a day"):
        DayRule.of("UTC", starts_at)


def test_a_rule_is_written_as_it_is_read() -> None:
    assert DayRule.of("Europe/Copenhagen", "06:05") == DayRule("Europe/Copenhagen", 365)
    assert DayRule("UTC", 365).starts_at == "06:05"


def test_days_are_the_same_whatever_zones_the_host_knows(tmp_path: Path) -> None:
    program = (
        "from datetime import date; from domain.gaming_day import *;"
        "print(GamingDays(DayRule.of('Europe/Copenhagen', '06:00')).begin(date(2025, 7, 1)))"
    )
    forged = tmp_path / "Europe"
    forged.mkdir()
    (forged / "Copenhagen").write_bytes(b"not a zone")
    shown = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONTZPATH": folder, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for folder in ("", str(tmp_path))
    ]
    assert shown == ["2025-07-01 04:00:00+00:00\n"] * 2
