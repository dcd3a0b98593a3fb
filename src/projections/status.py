"""How far a tenant's read models are behind its log."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from postgres.connections import Connection
from postgres.statements import statements
from projections.models.registry import READ_MODELS
from projections.reading import NoGenerationError

SQL = statements(__file__)


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
    """The head of the log, each projection's position and lag, and the rebuild, null if there is none."""

    log_position: int
    projections: list[ProjectionStatus]
    rebuild: RebuildStatus | None


def read_status(connection: Connection, tenant_id: int, now: datetime) -> StatusView:
    """Tell how far each projection is, at one moment. Raises NoGenerationError."""
    found = connection.execute(SQL.status.sql, {"tenant_id": tenant_id}).fetchone()
    if found is None:
        raise NoGenerationError(tenant_id)
    head, first_at, next_at, position, versions, *others = found
    failure = _failure(others[:3])
    rebuilt_to, *rebuild_failed = others[3:]
    projections = [
        ProjectionStatus(name, position, head - position, _lag_s(next_at, now), failure)
        if not position or name in versions
        # New in this version, and shown only once the rebuild that has it is finished.
        else ProjectionStatus(name, 0, head, _lag_s(first_at, now), failure)
        for name in READ_MODELS
    ]
    rebuild = None if rebuilt_to is None else RebuildStatus(rebuilt_to, _failure(rebuild_failed))
    return StatusView(head, projections, rebuild)


def _failure(columns: list[Any]) -> FailureView | None:
    return None if columns[0] is None else FailureView(*columns)


def _lag_s(waiting_since: datetime | None, now: datetime) -> float:
    return round(max((now - waiting_since).total_seconds(), 0.0), 3) if waiting_since else 0.0
