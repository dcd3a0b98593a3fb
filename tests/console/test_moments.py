"""Moments in forms, on the clock of a tenant's zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, integers, timezones

from api.console.moments import in_utc, just_after, on_clock
from domain.gaming_day import DayRule, gaming_days
from domain.instant import format_instant

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
DAYS = gaming_days(DayRule.of("Europe/Copenhagen", "06:00"))

some_moments = datetimes(timezones=timezones()).filter(lambda moment: 1900 < moment.year < 2100)


@given(some_moments, integers(0, 999))
def test_a_moment_comes_back_from_a_form_as_it_was(moment: datetime, millis: int) -> None:
    written = format_instant(moment.replace(microsecond=1_000 * millis, fold=0))
    shown = on_clock(written, DAYS, COPENHAGEN)
    assert shown is not None
    local = datetime.fromisoformat(shown)
    again = {
        format_instant(local.replace(tzinfo=COPENHAGEN, fold=fold).astimezone(UTC))
        for fold in (0, 1)
    }
    assert written in again  # an hour that is there twice is the first one
    assert in_utc(shown, COPENHAGEN) in again


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("2025-01-15", "2025-01-15T06:00:00"),
        ("2025-01-15T07:30", "2025-01-15T07:30:00"),
        ("2025-01-15T07:30:00.250Z", "2025-01-15T08:30:00.250"),
        ("2025-07-15T07:30:00+02:00", "2025-07-15T07:30:00"),
        ("2025-01-15T07:30:00.000001Z", None),
        ("yesterday", None),
        ("2025-13-45T07:30", None),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_a_form_shows_what_its_field_can_tell(text: str, shown: str | None) -> None:
    assert on_clock(text, DAYS, COPENHAGEN) == shown


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("2025-01-15T07:30", "2025-01-15T06:30:00Z"),
        ("2025-07-15T07:30:01.5", "2025-07-15T05:30:01.500000Z"),
        ("2025-01-15", "2025-01-15"),
        ("2025-01-15T07:30:00Z", "2025-01-15T07:30:00Z"),
        ("2025-01-15t07:30:00.1234567+02:00", "2025-01-15T05:30:00.123456Z"),
        ("2025-01-15T07:30:00 02:00", "2025-01-15T05:30:00Z"),
        ("2025-13-45T07:30", "2025-13-45T07:30"),
        ("0001-01-01T00:00", "0001-01-01T00:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_the_api_is_asked_in_utc_for_what_a_clock_tells(text: str, asked: str) -> None:
    assert in_utc(text, COPENHAGEN) == asked


def test_just_after_is_the_next_microsecond() -> None:
    assert just_after("2025-01-15T07:30:00Z") == "2025-01-15T07:30:00.000001Z"
    assert just_after("9999-12-31T23:59:59.999999Z") == "9999-12-31T23:59:59.999999Z"
    assert just_after("soon") == "soon"
