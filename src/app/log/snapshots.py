"""Snapshots of aggregates, through the `eventsourcing` library's recorder for a single kind of stream."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import AggregateRecorder, StoredEvent

from app.database.connections import Pool
from app.log.recorder import library_errors
from app.log.statements import SQL


class SnapshotRecorder(AggregateRecorder):
    """One tenant's snapshots. Raises the library's IntegrityError and OperationalError."""

    def __init__(self, pool: Pool, tenant_id: int) -> None:
        """Read and write the snapshots of `tenant_id` through `pool`."""
        self._pool = pool
        self._tenant_id = tenant_id

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """Keep snapshots. All of them, or none."""
        del kwargs
        rows = [
            {
                "tenant_id": self._tenant_id,
                "stream": str(event.originator_id),
                "version": event.originator_version,
                "topic": event.topic,
                "state": event.state,
            }
            for event in stored_events
        ]
        with (
            library_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            cursor.executemany(SQL.insert_snapshot.sql, rows)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Read the snapshots of an aggregate by version."""
        statement = SQL.select_snapshots_backwards if desc else SQL.select_snapshots
        parameters = {
            "tenant_id": self._tenant_id,
            "stream": str(originator_id),
            "gt": gt,
            "lte": lte,
            "limit": limit,
        }
        with library_errors(), self._pool.connection() as connection:
            rows = connection.execute(statement.sql, parameters, binary=True).fetchall()
        return [StoredEvent(*row) for row in rows]
