"""Reading and folding the log, and already its next stretch while the last one is written.

PostgreSQL writes in its own process, so two cores are busy instead of one. Events never change: what was
read by position stays true, whoever projects what lies before it. One that is erased meanwhile is forgotten
at the record of its erasure, which comes later.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from eventsourcing.persistence import Notification

from domain.gaming_day import DayRule, gaming_days
from postgres.errors import is_exhausted
from projections.entries import decode_stretch
from projections.models.registry import READ_MODELS


class Wanted(NamedTuple):
    """A stretch of a tenant's log: after a position, so many events, up to another position.

    And for which read models, by which days.
    """

    tenant_id: int
    after: int
    limit: int
    until: int | None
    models: Sequence[str]
    rule: DayRule = DayRule()


class Read(NamedTuple):
    """The events of a stretch, and what they come to by read model: each as soon as it is folded.

    `error` says why they can't be decoded; a fold that fails raises where its result is asked for.
    """

    notifications: Sequence[Notification]
    folded: Mapping[str, Future[Any]]
    error: Exception | None = None

    def give_up(self) -> None:
        """Fold no more of it: something else is wanted."""
        for each in self.folded.values():
            each.cancel()


class Reader:
    """Reads and folds one stretch after the other, at most one ahead, on a thread of its own.

    For one thread's use.
    """

    def __init__(self, select: Callable[[Wanted], Sequence[Notification]]) -> None:
        """Read events by `select`, which another thread calls."""
        self._select = select
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._ahead: tuple[Wanted, Future[Read]] | None = None

    def read(self, wanted: Wanted) -> Read:
        """Return a stretch, which may have been read already. Raises what `select` raises."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            coming, reading = ahead
            # One at a time, so that what is held at once stays bounded.
            wait([reading])
            if coming._replace(until=wanted.until) == wanted and _fits(reading.result(), wanted):
                return reading.result()
            if reading.exception() is None:
                reading.result().give_up()
        return self._read(wanted)

    def read_ahead(self, wanted: Wanted) -> None:
        """Begin to read the stretch that will be asked for next."""
        self._ahead = (wanted, self._thread.submit(self._read, wanted))

    def _read(self, wanted: Wanted) -> Read:
        notifications = self._select(wanted)
        try:
            stretch = decode_stretch(notifications, gaming_days(wanted.rule))
        except Exception as error:  # of the events, likely; the projector finds out of which
            if is_exhausted(error):
                raise
            return Read(notifications, {}, error)
        # Folded while the ones before are written already.
        folded = {
            name: self._thread.submit(READ_MODELS[name].fold, stretch) for name in wanted.models
        }
        return Read(notifications, folded)


def _fits(read: Read, wanted: Wanted) -> bool:
    """Return whether a stretch that was read until elsewhere begins what is wanted: it may be shorter."""
    if not read.notifications:
        return False
    return wanted.until is None or read.notifications[-1].id <= wanted.until
