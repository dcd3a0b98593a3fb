"""The simulated time, and the ways in which different systems write it."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_S = 3_600
_IN_AN_HOUR = tuple(f"{second // 60:02d}:{second % 60:02d}" for second in range(_HOUR_S))
_IN_A_SECOND = tuple(f".{millisecond:03d}Z" for millisecond in range(1_000))

ZONES = {"+01:00": timedelta(hours=1), "+02:00": timedelta(hours=2)}
"""How the time is written where live games are: in Valletta and in Riga, in winter."""


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class Clock:
    """Simulated microseconds since 1970, written fast: the text of an hour is made once for all its items."""

    def __init__(self, start: datetime) -> None:
        self.us = microseconds(start)
        self._hour: int | None = None
        self._utc = ""
        self._local = dict.fromkeys(ZONES, "")

    def millis(self) -> str:
        """Write the time in UTC, to the millisecond."""
        second, us = divmod(self.us, 1_000_000)
        hour, second = divmod(second, _HOUR_S)
        if hour != self._hour:
            self._begin(hour)
        return self._utc + _IN_AN_HOUR[second] + _IN_A_SECOND[us // 1_000]

    def seconds(self) -> str:
        """Write the time in UTC without saying so."""
        return self.millis()[:-5]

    def offset(self, zone: str) -> str:
        """Write the time as in one of ZONES, to the microsecond."""
        minute_and_second = self.millis()[-10:-5]
        return f"{self._local[zone]}{minute_and_second}.{self.us % 1_000_000:06d}{zone}"

    def half_minutes(self) -> int:
        """Count half minutes: a live table's rounds."""
        return self.us // 30_000_000

    def _begin(self, hour: int) -> None:
        self._hour = hour
        now = _EPOCH + timedelta(hours=hour)
        to_the_hour = len("2025-01-15T06:")
        self._utc = now.isoformat()[:to_the_hour]
        self._local = {
            zone: (now + hours).isoformat()[:to_the_hour] for zone, hours in ZONES.items()
        }
