"""Taking snapshots of long streams, so that no aggregate is ever folded from more than some events."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import structlog
from eventsourcing.persistence import Notification

from app.log.aggregates import project_game, project_player, repository
from app.log.snapshots import Taken
from app.log.stores import SnapshotStore
from domain.streams import GAME, PLAYER
from postgres.connections import Pool

SNAPSHOT_EVERY = 1_000
"""How many events lie between two snapshots of a stream."""

# Where many are missing (deleted, or of another version of the code) they are taken a few at a time.
_MOST_AT_ONCE = 10

_PROJECT: dict[str, Callable[..., Any]] = {PLAYER: project_player, GAME: project_game}

log = structlog.get_logger()


class SnapshotTaker:
    """Takes a snapshot of each stream that passes a multiple of SNAPSHOT_EVERY versions."""

    def __init__(self, pool: Pool) -> None:
        """Read and write through `pool`."""
        self._pool = pool

    def __call__(self, tenant_id: int, passed: Sequence[Notification]) -> None:
        """Look at events that were just projected. Never fails: a snapshot only saves time."""
        for notification in passed:
            version = notification.originator_version
            if not version or version % SNAPSHOT_EVERY:
                continue
            stream = str(notification.originator_id)
            try:
                self._take(tenant_id, stream, version)
            except Exception as error:  # noqa: BLE001  # answers are the same without
                log.warning("a snapshot was not taken", stream=stream, reason=str(error))

    def _take(self, tenant_id: int, stream: str, version: int) -> None:
        project = _PROJECT.get(stream[: stream.find(":") + 1])
        if project is None:
            return
        snapshots = SnapshotStore(self._pool, tenant_id)
        aggregates = repository(self._pool, tenant_id)
        known = next(snapshots.get(stream, lte=version, desc=True, limit=1), None)
        start = known.originator_version if known else 0
        first = start - start % SNAPSHOT_EVERY + SNAPSHOT_EVERY
        missing = range(first, version + 1, SNAPSHOT_EVERY)
        for each in islice(missing, _MOST_AT_ONCE):
            snapshots.keep(Taken(aggregates.get(stream, version=each, projector_func=project)))
