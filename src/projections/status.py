"""How far a tenant's read models are behind its log."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from postgres.connections import Connection
from postgres.rows import fetch_one, fetch_pairs
from postgres.statements import Statement, Statements
from projections.entries import Versions
from projections.models.registry import READ_MODELS
from projections.reading import NoGenerationError


class Sql(Statements):
    """Reading how far read models are."""

    status: Statement
    progress: Statement
    waiting_since: Statement


SQL = Sql(__file__)


class FailureView(Struct, frozen=True):
    """The event at which a projection stands still until the cause is mended; nothing is lost meanwhile."""

    position: int
    reason: str
    since: datetime


class ProjectionStatus(Struct, frozen=True):
    """How far one projection is. `lag_seconds` is the age of the oldest event that it does not show.

    `failure` is null unless it stands still.
    """

    name: str
    position: int
    lag_events: int
    lag_seconds: float
    failure: FailureView | None


class RebuildStatus(Struct, frozen=True):
    """Read models that are being made anew, beside those that queries show until then."""

    position: int
    failure: FailureView | None


class StatusView(Struct, frozen=True):
    """The log's id and head, each projection's position and lag, and the rebuild, null if there is none."""

    log_id: str
    log_position: int
    projections: list[ProjectionStatus]
    rebuild: RebuildStatus | None


class Progress(NamedTuple):
    """How far a tenant's read models are, and since when the first event waits that they don't show."""

    position: int
    waiting_since: datetime | None
    failure: FailureView | None
    rebuild: RebuildStatus | None

    def lag_s(self, now: datetime) -> float:
        """Return for how many seconds that event has waited, 0 where all are shown."""
        return _lag_s(self.waiting_since, now)


class _Generation(NamedTuple):
    live: bool
    position: int
    next_at: datetime | None
    failed_position: int | None
    failure: str
    failed_at: datetime

    @property
    def standing(self) -> FailureView | None:
        """Where it stands still, if so."""
        return _failure(self.failed_position, self.failure, self.failed_at)


class _Row(NamedTuple):
    log_id: str
    head: int
    first_at: datetime | None
    next_at: datetime | None
    position: int
    versions: Versions
    failed_position: int | None
    failure: str
    failed_at: datetime
    rebuilt_to: int | None
    rebuild_failed_position: int | None
    rebuild_failure: str
    rebuild_failed_at: datetime


def read_status(connection: Connection, tenant_id: int, now: datetime) -> StatusView:
    """Return how far each projection is, at one moment. Raises NoGenerationError."""
    row = fetch_one(connection, SQL.status, {"tenant_id": tenant_id}, _Row)
    if row is None:
        raise NoGenerationError(tenant_id)
    head, position = row.head, row.position
    failure = _failure(row.failed_position, row.failure, row.failed_at)
    projections = [
        ProjectionStatus(name, position, head - position, _lag_s(row.next_at, now), failure)
        if not position or name in row.versions
        # New in this version, and shown only once the rebuild that has it is finished.
        else ProjectionStatus(name, 0, head, _lag_s(row.first_at, now), failure)
        for name in READ_MODELS
    ]
    if row.rebuilt_to is None:
        return StatusView(row.log_id, head, projections, None)
    rebuild_failure = _failure(
        row.rebuild_failed_position, row.rebuild_failure, row.rebuild_failed_at
    )
    return StatusView(row.log_id, head, projections, RebuildStatus(row.rebuilt_to, rebuild_failure))


def progress_of(connection: Connection, tenant_ids: Sequence[int]) -> dict[int, Progress]:
    """Return how far the read models of several tenants are, by tenant, in one query."""
    rows = fetch_pairs(
        connection, SQL.progress, {"tenant_ids": list(tenant_ids)}, "tenant_id", _Generation
    )
    # The rows of a tenant are in the order of their generations: the last one in the making counts.
    made_anew = {
        tenant_id: RebuildStatus(row.position, row.standing)
        for tenant_id, row in rows
        if not row.live
    }
    return {
        tenant_id: Progress(row.position, row.next_at, row.standing, made_anew.get(tenant_id))
        for tenant_id, row in rows
        if row.live
    }


def waiting_since(connection: Connection) -> datetime | None:
    """Return when the oldest event was recorded, of any tenant, that queries do not show yet."""
    return fetch_one(connection, SQL.waiting_since, None, datetime)


def _failure(position: int | None, reason: str, since: datetime) -> FailureView | None:
    return None if position is None else FailureView(position, reason, since)


def _lag_s(waiting_since: datetime | None, now: datetime) -> float:
    return round(max((now - waiting_since).total_seconds(), 0.0), 3) if waiting_since else 0.0
