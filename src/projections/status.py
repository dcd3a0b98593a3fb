"""How far a tenant's read models are behind its log."""

from datetime import datetime

from msgspec import Struct

from projections.projector import READ_MODELS
from projections.reading import NoGenerationError
from projections.statements import Connection, statements

SQL = statements(__file__)


class ProjectionStatus(Struct, frozen=True):
    """How far one projection is. `lag_seconds` is the age of the oldest event that it does not show."""

    name: str
    position: int
    lag_events: int
    lag_seconds: float


class StatusView(Struct, frozen=True):
    """The head of the log, and each projection's position and lag."""

    log_position: int
    projections: list[ProjectionStatus]


def read_status(connection: Connection, tenant_id: int, now: datetime) -> StatusView:
    """Tell how far each projection is, at one moment. Raises NoGenerationError."""
    found = connection.execute(SQL.status.sql, {"tenant_id": tenant_id}).fetchone()
    if found is None:
        raise NoGenerationError(tenant_id)
    head, position, waiting_since = found
    age = (now - waiting_since).total_seconds() if waiting_since else 0.0
    lag_s = round(max(age, 0.0), 3)
    return StatusView(
        head,
        [ProjectionStatus(name, position, head - position, lag_s) for name in READ_MODELS],
    )
