"""The past that a page shows: as of a time of the events, or as the log was at a position."""

from typing import NamedTuple

from api.console.moments import just_after
from api.console.visits import Visit
from domain.instant import parse_datetime


class Past(NamedTuple):
    """One of both, or neither, which is now; as the API takes them."""

    as_of: str
    at_position: str

    @classmethod
    def of(cls, visit: Visit) -> "Past":
        """Read it from the address of a page."""
        return cls(visit.moment("as_of"), visit.parameter("at_position"))

    @property
    def is_any(self) -> bool:
        """Whether it is not now."""
        return bool(self.as_of or self.at_position)

    def is_before(self, instant: str) -> bool:
        """Return whether this is of a time, and something was later than that."""
        return bool(self.as_of) and parse_datetime(instant) > parse_datetime(self.as_of)

    @property
    def of_history(self) -> dict[str, str]:
        """What history is asked for, to end with this."""
        return {
            "to": just_after(self.as_of) if self.as_of else "",
            "to_position": self.at_position,
        }
