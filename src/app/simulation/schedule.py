"""When people play: hardly anyone at five in the morning, most in the evening."""

from bisect import bisect_right
from datetime import datetime
from itertools import accumulate
from typing import Self

from app.simulation.clock import microseconds

HOUR_US = 3_600_000_000

HOURS = (
    *(0.9, 0.6, 0.4, 0.25, 0.15, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9),
    *(1.0, 1.0, 1.0, 1.1, 1.2, 1.4, 1.7, 2.0, 2.3, 2.3, 1.9, 1.3),
)
"""For each hour of the day (UTC): how many play, compared with an average hour."""

BUSIEST = max(HOURS)

_PASSED = (0.0, *accumulate(HOURS))


class Schedule:
    """Says when how many items should have happened. Moments are microseconds since 1970."""

    def __init__(self, start: datetime, items_per_hour: float) -> None:
        self._items_per_hour = items_per_hour
        self._before_start = _activity(microseconds(start))

    @classmethod
    def between(cls, start: datetime, end: datetime, items: int) -> Self:
        """Spread that many items over a time."""
        activity = _activity(microseconds(end)) - _activity(microseconds(start))
        return cls(start, items / activity)

    def when(self, items: float) -> int:
        """Return the moment at which that many items should have happened."""
        days, activity = divmod(self._before_start + items / self._items_per_hour, _PASSED[-1])
        hour = min(bisect_right(_PASSED, activity), len(HOURS)) - 1
        passed = (activity - _PASSED[hour]) / HOURS[hour]
        return int((days * len(HOURS) + hour + passed) * HOUR_US)


def _activity(moment_us: int) -> float:
    """Return how many average hours' worth of play there was since 1970."""
    hours, rest_us = divmod(moment_us, HOUR_US)
    days, hour = divmod(hours, len(HOURS))
    return days * _PASSED[-1] + _PASSED[hour] + HOURS[hour] * rest_us / HOUR_US
