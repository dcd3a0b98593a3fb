"""How a rebuild makes room: for tenants that wait, wherever they are projected, and within a rate."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from projections.engine.turns import CROWDED_S, SHARED_EVENTS
from projections.tracking import Behind, Pool, appends, behind_of

_LONGEST_WAIT_S = 0.1
_LOOK_S = 0.02
_PATIENCE_S = 1.0
_CHUNKS_A_SECOND = 4


class _Waiting(NamedTuple):
    """When the first event that queries do not show was recorded, and since when that is the first."""

    event_at: datetime | None
    seen_s: float


class Pace:
    """Lets one rebuild of a tenant go on, chunk by chunk. For one thread."""

    def __init__(
        self, pool: Pool, tenant_id: int, *, chunk_events: int, events_per_s: int | None
    ) -> None:
        """Make chunks of `chunk_events` where nobody waits, and no more than `events_per_s` if given."""
        self._pool = pool
        self._tenant_id = tenant_id
        self._chunk_events = chunk_events
        self._events_per_s = events_per_s
        self._appends = appends()
        self._waiting: dict[int, _Waiting] = {}
        self._crowded_until_s = 0.0
        self._due_s = 0.0
        self._began_s: float | None = None

    def turn(self, stop: threading.Event) -> int:
        """Wait for a turn; gives how many events may be made in it.

        Other tenants that have something to show go first, for as long as the last chunk took, and a tenth of
        a second at most: a rebuild goes on where somebody always has, too. Waits no longer once `stop` is
        set. Raises where the store is out of reach.
        """
        now_s = time.monotonic()
        took_s = 0.0 if self._began_s is None else now_s - self._began_s
        stop.wait(max(0.0, self._due_s - now_s))
        until_s = time.monotonic() + min(took_s, _LONGEST_WAIT_S)
        while self._others_wait():
            now_s = time.monotonic()
            self._crowded_until_s = now_s + CROWDED_S
            if now_s >= until_s or stop.wait(min(_LOOK_S, until_s - now_s)):
                break
        limit = self._chunk_events
        if time.monotonic() < self._crowded_until_s:
            limit = min(limit, SHARED_EVENTS)
        if self._events_per_s is not None:
            limit = min(limit, max(1, self._events_per_s // _CHUNKS_A_SECOND))
        self._began_s = time.monotonic()
        return limit

    def made(self, events: int) -> None:
        """Take note of a chunk: with a rate the next one has its time."""
        if self._events_per_s is not None:
            began_s = max(self._due_s, time.monotonic() - 1 / _CHUNKS_A_SECOND)
            self._due_s = began_s + events / self._events_per_s

    def _others_wait(self) -> bool:
        """Return whether another tenant's live read models are to go on, and do: not all have a projector."""
        now_s = time.monotonic()
        with self._pool.connection() as connection:

            def served(tenant_ids: list[int] | None) -> list[Behind]:
                return self._served(behind_of(connection, tenant_ids), now_s)

            return bool(self._appends.find(connection, served, now_s=now_s))

    def _served(self, behind: Sequence[Behind], now_s: float) -> list[Behind]:
        """Leave out those that have not moved for long: they are looked at again once something is new."""
        before, self._waiting = self._waiting, {}
        served = []
        for each in behind:
            if (
                not each.live
                or each.failed_position is not None
                or each.tenant_id == self._tenant_id
            ):
                continue
            since = before.get(each.tenant_id)
            if since is None or since.event_at != each.waiting_since:
                since = _Waiting(each.waiting_since, now_s)
            if now_s < since.seen_s + _PATIENCE_S:
                self._waiting[each.tenant_id] = since
                served.append(each)
        return served
