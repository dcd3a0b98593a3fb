"""Timestamps as clients write them, against the grammar of RFC 3339 and a slow reading of our own."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from domain.instant import Instant, format_instant, parse_day_or_instant

DAYS_OF_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DAY_US = 86_400 * 1_000_000


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


DAYS_BEFORE = [
    0,
    *accumulate((366 if is_leap(year) else 365 for year in range(1, 10_000)), initial=0),
]
LAST_US = DAYS_BEFORE[10_000] * DAY_US

SHAPES = ("0000-00-00T00:00:00", "0000-00-00t00:00:00")
LEAST = (1, 1, 1, 0, 0, 0)
MOST = (9999, 12, 31, 23, 59, 59)


def shape(text: str) -> str:
    return "".join("0" if letter in "0123456789" else letter for letter in text)


def seconds_ahead(offset: str) -> int | None:
    if offset in {"", "Z", "z"}:
        return 0
    if shape(offset) not in {"+00:00", "-00:00"}:
        return None
    hours, minutes = int(offset[1:3]), int(offset[4:])
    if hours > 23 or minutes > 59:
        return None
    return (3_600 * hours + 60 * minutes) * (-1 if offset[0] == "-" else 1)


def slowly(text: str) -> int | None:
    """Read an RFC 3339 timestamp into microseconds since the year 1, without `datetime` or `re`."""
    head, rest = text[:19], text[19:]
    fraction = "0"
    if rest.startswith("."):
        offset = rest[1:].lstrip("0123456789")
        fraction = rest[1 : len(rest) - len(offset)]
        rest = offset
    ahead = seconds_ahead(rest)
    if shape(head) not in SHAPES or not fraction or ahead is None:
        return None
    parts = tuple(int(head[at : at + 2]) for at in (5, 8, 11, 14, 17))
    year, month, day, hour, minute, second = numbers = (int(head[:4]), *parts)
    if any(not least <= n <= most for least, n, most in zip(LEAST, numbers, MOST, strict=True)):
        return None
    lengths = [*DAYS_OF_MONTH[:1], 29 if is_leap(year) else 28, *DAYS_OF_MONTH[2:]]
    days = DAYS_BEFORE[year] + sum(lengths[: month - 1]) + day - 1
    seconds = 3_600 * hour + 60 * minute + second - ahead
    moment = days * DAY_US + seconds * 1_000_000 + int((fraction + "000000")[:6])
    return moment if day <= lengths[month - 1] and 0 <= moment < LAST_US else None


def micros(moment: datetime) -> int:
    return (moment - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def read(text: str) -> int | None:
    try:
        return micros(Instant.parse(text))
    except ValueError:
        return None


@st.composite
def near_timestamps(draw: DrawFn) -> str:
    """Draw texts that are timestamps, or nearly."""

    def number(least: int, most: int, width: int) -> str:
        usual = st.integers(least, most)
        return f"{draw(st.one_of(usual, usual, usual, st.integers(0, most + 2))):0{width}}"

    year = (
        number(1, 9999, 4)
        if draw(st.booleans())
        else draw(st.sampled_from(["0001", "9999", "2024"]))
    )
    day = f"{year}-{number(1, 12, 2)}-{number(1, 28, 2)}"
    time = f"{number(0, 23, 2)}:{number(0, 59, 2)}:{number(0, 59, 2)}"
    fraction = draw(st.just("") | st.from_regex(r"\.[0-9]{0,12}", fullmatch=True))
    offset = draw(
        st.sampled_from(["", "Z", "z", "+00:00", "-00:00", "+24:00", "+01", "+0100", " Z", "Z\n"])
        | st.builds(
            "{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 23), st.integers(0, 59)
        )
    )
    text = f"{day}{draw(st.sampled_from('TTTt '))}{time}{fraction}{offset}"
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text) - 1))
        text = (
            text[:at]
            + draw(st.sampled_from(["", "0", "9", ":", "-", "\u0663", "W", "T", ","]))
            + text[at + 1 :]
        )
    return text


@given(near_timestamps())
@example("2024-02-29T23:59:59.9999999Z")
@example("2023-02-29T00:00:00Z")
@example("1900-02-29T00:00:00Z")
@example("2000-02-29T00:00:00Z")
@example("0000-01-01T00:00:00Z")
@example("0001-01-01T00:00:00+00:01")
@example("0001-01-01T00:00:00-00:01")
@example("9999-12-31T23:59:59.999999-00:01")
@example("9999-12-31T23:59:59.9999999Z")
@example("2024-W01-1T00:00:00Z")
@example("2024-01-01T24:00:00Z")
@example("2024-12-31T23:59:60Z")
@example("2024-01-01T00:00:00.Z")
@example("2024-01-01T00:00:00,5Z")
@example("2024-01-01T00:00Z")
@example("20240101T000000Z")
@example("\uff12\uff1024-01-01T00:00:00Z")
def test_a_timestamp_is_read_as_a_slow_reader_reads_it(text: str) -> None:
    assert read(text) == slowly(text)


@given(st.datetimes(), st.integers(-1439, 1439), st.text("0123456789", max_size=5))
def test_an_offset_is_converted_and_what_is_finer_than_a_microsecond_is_cut_off(
    moment: datetime, ahead: int, finer: str
) -> None:
    sign = "-" if ahead < 0 else "+"
    offset = f"{sign}{abs(ahead) // 60:02}:{abs(ahead) % 60:02}"
    text = f"{moment.isoformat(timespec='microseconds')}{finer}{offset}"
    expected = micros(moment.replace(tzinfo=UTC)) - ahead * 60_000_000
    assert read(text) == (expected if 0 <= expected < LAST_US else None)


@given(near_timestamps())
def test_a_moment_is_of_one_type_and_in_utc_however_it_was_written(text: str) -> None:
    try:
        moment = Instant.parse(text)
    except ValueError:
        return
    assert type(moment) is Instant
    assert moment.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_back(moment: datetime) -> None:
    written = format_instant(moment)
    assert written.endswith("Z")
    assert Instant.parse(written) == moment


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=20))
def test_moments_order_as_their_microseconds_do(moments: list[datetime]) -> None:
    in_order = sorted(Instant.parse(format_instant(moment)) for moment in moments)
    assert all(micros(one) <= micros(other) for one, other in pairwise(in_order))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2024-02-29T01:00:00+02:00", "2024-02-28T23:00:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_day_is_its_midnight_in_utc(text: str, expected: str) -> None:
    assert format_instant(parse_day_or_instant(text)) == expected


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-1-1", "2024-01-01Z", "", "20240101", "\u0662024-01-01"]
)
def test_what_is_neither_a_day_nor_a_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_day_or_instant(text)
