"""Gaming days as a person tells them: by the clock on the wall, put back by the hours after midnight."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Days(NamedTuple):
    """A zone, and the minutes after midnight. Right where clocks are not changed about that time of day."""

    zone: str = "UTC"
    starts_at_minute: int = 0

    def of(self, moment: datetime) -> date:
        wall = moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return (wall - timedelta(minutes=self.starts_at_minute)).date()


DayOf = Callable[[datetime], date]
UTC_DAYS = Days()
