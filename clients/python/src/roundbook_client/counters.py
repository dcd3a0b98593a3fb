"""What became of the items since the client was opened."""

import threading

from msgspec import Struct
from msgspec.structs import replace


class Counters(Struct, frozen=True, kw_only=True):
    """Items that were spooled, and what the service said of those that were sent.

    `stored` are new in the log, `duplicate` were there before (this client sends again, too), `conflict`
    stand for something else there, `refused` are in the file of dead letters. `damaged` is how many places of
    the spool were broken, and are set aside in files of its folder `damaged`; what was cut off at the end of
    a segment, as by a kill, is there too, and not counted.
    """

    spooled: int = 0
    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    refused: int = 0
    damaged: int = 0


class Counting:
    """Counts, from several threads."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self._counters = Counters()

    def add(self, **more: int) -> None:
        """Count more of each."""
        with self._lock:
            now = self._counters
            self._counters = replace(
                now, **{name: getattr(now, name) + n for name, n in more.items()}
            )

    def read(self) -> Counters:
        """Tell how many there are."""
        with self._lock:
            return self._counters
