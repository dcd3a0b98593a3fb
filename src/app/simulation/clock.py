"""The simulated time, and the ways in which different systems write it."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


class Clock:
    """Simulated microseconds, written fast: the text of a second is made once for all its items."""

    def __init__(self, start: datetime) -> None:
        self._us = (start - _EPOCH) // timedelta(microseconds=1)
        self._second = -1
        self._utc = self._local = ""

    def advance(self, step_us: int) -> None:
        """Let time pass."""
        self._us += step_us

    def millis(self) -> str:
        """Write the time in UTC, to the millisecond."""
        return f"{self._texts()[0]}.{self._us % 1_000_000 // 1_000:03d}Z"

    def seconds(self) -> str:
        """Write the time in UTC without saying so."""
        return self._texts()[0]

    def offset(self) -> str:
        """Write the time as Valletta does in winter, to the microsecond."""
        return f"{self._texts()[1]}.{self._us % 1_000_000:06d}+01:00"

    def half_minutes(self) -> int:
        """Count half minutes: a live table's rounds."""
        return self._us // 30_000_000

    def _texts(self) -> tuple[str, str]:
        second = self._us // 1_000_000
        if second != self._second:
            self._second = second
            now = _EPOCH + timedelta(seconds=second)
            self._utc = now.replace(tzinfo=None).isoformat()
            self._local = (now + _HOUR).replace(tzinfo=None).isoformat()
        return self._utc, self._local
