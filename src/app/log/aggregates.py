"""Aggregates loaded from their streams, at any version, through the library's repository."""

from eventsourcing.application import Repository
from eventsourcing.persistence import EventStore

from app.database.connections import Pool
from app.log.mapper import EventMapper
from app.log.recorder import TenantLog


def repository(pool: Pool, tenant_id: int) -> Repository[str]:
    """Give the repository of a tenant's players and games.

    `repository.get("player:…", version=n, projector_func=fold_player)` raises the library's
    AggregateNotFoundError where there is no such stream.
    """
    return Repository(EventStore(EventMapper(), TenantLog(pool, tenant_id)))
