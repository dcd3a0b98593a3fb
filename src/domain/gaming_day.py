"""Gaming days: a tenant's days, which begin at an hour and minute of its own time zone.

A gaming day is named by the date on which it begins: at the first moment at which a clock on the wall shows
that date and the time at which days begin, or later. Where clocks are put forward over that time, it begins
when they are; where they are put back and show it twice, it begins the first time. So days follow each other
without a gap, and last 23 or 25 hours where clocks are changed.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_REMEMBERED_DAYS = 4_096
# A clock is less than a day from UTC, and a day begins less than a day after its midnight.
_DAYS_AROUND = 2


class DayRuleError(ValueError):
    """A time zone or a time of day that there is not; the message says so."""


class DayRule(NamedTuple):
    """When a tenant's days begin: so many minutes after midnight in an IANA time zone."""

    time_zone: str = "UTC"
    starts_at_minute: int = 0

    @classmethod
    def of(cls, time_zone: str, starts_at: str) -> "DayRule":
        """Make one of a zone and a time like `06:00`. Raises DayRuleError."""
        if time_zone not in _zones():
            raise DayRuleError(
                f"{time_zone!r} is no time zone of the IANA database, as Europe/Copenhagen is"
            )
        found = _CLOCK.fullmatch(starts_at)
        if found is None:
            raise DayRuleError(f"{starts_at!r} is no time of a day, as 06:00 is")
        return cls(time_zone, int(found[1]) * 60 + int(found[2]))

    @property
    def starts_at(self) -> str:
        """The time at which a day begins, as `06:00`."""
        return f"{self.starts_at_minute // 60:02}:{self.starts_at_minute % 60:02}"


class GamingDays:
    """The days by one rule.

    Days are of the years 1 to 9999: what would be of the day before counts on the first one, and what would
    be of the day after on the last.
    """

    of: Callable[[datetime], date]
    """Tells on which day a moment, in UTC, is."""

    def __init__(self, rule: DayRule) -> None:
        """Read the zone."""
        self.rule = rule
        self._zone = _zone(rule.time_zone)
        self._starts_at = time(*divmod(rule.starts_at_minute, 60))
        self._ends = lru_cache(_REMEMBERED_DAYS)(self._find_ends)
        self.begin = lru_cache(_REMEMBERED_DAYS)(self._find_begin)
        # Nearly all that is folded asks this. It is the whole answer where days are those of UTC.
        self.of = datetime.date if rule == DayRule() else self._of

    def end(self, day: date) -> datetime:
        """Return when a day ends, which is when the next one begins."""
        return _LAST if day == date.max else self.begin(day + timedelta(1))

    def begin_of(self, moment: datetime) -> datetime:
        """Return when the day of a moment begins."""
        return self.begin(self.of(moment))

    def first_from(self, moment: datetime) -> date:
        """Return the first day that begins at a moment or after it; the last one if none does."""
        day = self.of(moment)
        return day if self.begin(day) >= moment or day == date.max else day + timedelta(1)

    def _of(self, moment: datetime) -> date:
        for end, day in self._ends(moment.date()):
            if moment < end:
                return day
        return date.max

    def _find_ends(self, utc_day: date) -> list[tuple[datetime, date]]:
        """List the days of which some part is on a day of UTC, or shortly after it, each with its end."""
        midnight = datetime.combine(utc_day, time(), UTC)
        ordinal = utc_day.toordinal()
        first = max(ordinal - _DAYS_AROUND, date.min.toordinal())
        last = min(ordinal + _DAYS_AROUND, date.max.toordinal())
        days = [date.fromordinal(each) for each in range(first, last + 1)]
        return [(end, day) for day in days if (end := self.end(day)) > midnight]

    def _find_begin(self, day: date) -> datetime:
        wall = datetime.combine(day, self._starts_at)
        if day == date.min:
            return _FIRST
        # Of two moments this is the first one; of none, one after the clocks were changed.
        begin = self._moment(wall, fold=0)
        if self._clock(begin) == wall:
            return begin
        before = self._moment(wall, fold=1)
        while begin - before > timedelta(seconds=1):
            between = before + (begin - before) // timedelta(seconds=2) * timedelta(seconds=1)
            if self._clock(between) < wall:
                before = between
            else:
                begin = between
        return begin

    def _moment(self, wall: datetime, *, fold: int) -> datetime:
        try:
            return wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
        except OverflowError:
            return _FIRST if wall.year == _FIRST.year else _LAST

    def _clock(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None, fold=0)


@cache
def _zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def _zone(name: str) -> ZoneInfo:
    """Read a zone from the package, not from the host: on all hosts days are the same.

    Raises DayRuleError.
    """
    if name not in _zones():
        raise DayRuleError(f"{name!r} is no time zone that this version knows")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def gaming_days(rule: DayRule) -> GamingDays:
    """Return the days by a rule; they remember those that were asked for."""
    return GamingDays(rule)


UTC_DAYS = gaming_days(DayRule())
"""The days of who says nothing else."""
