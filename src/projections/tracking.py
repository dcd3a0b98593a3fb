"""How far each generation of a tenant's read models is, as the `eventsourcing` library's tracking."""

from datetime import UTC, datetime

from eventsourcing.persistence import IntegrityError, Tracking, TrackingRecorder
from psycopg_pool import ConnectionPool

from projections.entries import Scope
from projections.statements import Connection, statements

SQL = statements(__file__)

Pool = ConnectionPool[Connection]


def advance(connection: Connection, scope: Scope, position: int) -> None:
    """Say that a generation shows all events up to `position`, in the transaction that makes it so.

    Raises the library's IntegrityError if it has been there already: then the transaction must fail.
    """
    parameters = {**scope._asdict(), "position": position, "now": datetime.now(UTC)}
    if connection.execute(SQL.advance.sql, parameters).fetchone() is None:
        raise IntegrityError(f"{scope} is at position {position} already, or further")


class GenerationTracking(TrackingRecorder):
    """The tracking of one generation; the library's application names are names of tenants."""

    def __init__(self, pool: Pool, generation: int) -> None:
        """Track `generation` of every tenant's read models."""
        self._pool = pool
        self._generation = generation

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record a position. Raises IntegrityError unless it is greater than the last one."""
        with self._pool.connection() as connection:
            found = connection.execute(
                SQL.tenant_by_name.sql, {"name": tracking.application_name}
            ).fetchone()
            if found is None:
                raise IntegrityError(f"there is no tenant {tracking.application_name!r}")
            advance(connection, Scope(found[0], self._generation), tracking.notification_id)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Give the position of a tenant's generation, None before its first event."""
        parameters = {"name": application_name, "generation": self._generation}
        with self._pool.connection() as connection:
            found = connection.execute(SQL.position_by_name.sql, parameters).fetchone()
        return (found[0] or None) if found else None
