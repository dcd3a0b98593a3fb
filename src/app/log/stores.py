"""The library's event store over a tenant's log and its snapshots, read in pages."""

from collections.abc import Iterator

import structlog
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import EventStore, MapperDeserialisationError, StoredEvent

from app.log.mapper import EventMapper
from app.log.recorder import TenantLog
from app.log.snapshots import SnapshotMapper, SnapshotRecorder, Taken
from postgres.connections import Pool

_PAGE_EVENTS = 1_000

log = structlog.get_logger()


class LogStore(EventStore[str]):
    """Reads a stream page by page as it is folded, so that one of any length takes little memory."""

    def __init__(self, pool: Pool, tenant_id: int) -> None:
        """Read the log of `tenant_id` through `pool`."""
        super().__init__(EventMapper(), TenantLog(pool, tenant_id))

    def get(
        self,
        originator_id: str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Iterator[DomainEventProtocol[str]]:
        """Read events by version. Raises MapperDeserialisationError for one that can't be read."""
        left = limit
        while left is None or left > 0:
            size = _PAGE_EVENTS if left is None else min(_PAGE_EVENTS, left)
            page = self.recorder.select_events(originator_id, gt=gt, lte=lte, desc=desc, limit=size)
            for stored in page:
                event = self._read(stored)
                if event is not None:
                    left = None if left is None else left - 1
                    yield event
            if len(page) < size:
                return
            if desc:
                lte = page[-1].originator_version - 1
            else:
                gt = page[-1].originator_version

    def _read(self, stored: StoredEvent) -> DomainEventProtocol[str] | None:
        return self.mapper.to_domain_event(stored)


class SnapshotStore(LogStore):
    """Snapshots, which only save time: one that can't be read is passed over, as if it were not there."""

    def __init__(self, pool: Pool, tenant_id: int) -> None:
        """Read and keep the snapshots of `tenant_id` through `pool`."""
        self._snapshots = SnapshotRecorder(pool, tenant_id)
        EventStore.__init__(self, SnapshotMapper(), self._snapshots)

    def keep(self, taken: Taken) -> None:
        """Keep a snapshot, in the place of one that may be there."""
        self._snapshots.replace(self.mapper.to_stored_event(taken))

    def _read(self, stored: StoredEvent) -> DomainEventProtocol[str] | None:
        try:
            return super()._read(stored)
        except MapperDeserialisationError as error:
            log.warning("a snapshot is passed over", reason=str(error))
            return None
