"""How far each generation of a tenant's read models is, as the `eventsourcing` library's tracking."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from eventsourcing.persistence import IntegrityError, Tracking, TrackingRecorder
from psycopg_pool import ConnectionPool

from postgres.connections import Connection
from postgres.statements import statements
from projections.entries import Scope, Versions

SQL = statements(__file__)

Pool = ConnectionPool[Connection]


_LONGEST_REASON = 500


class Behind(NamedTuple):
    """A generation that does not show all events: where it stands still, if so, and how long one waits."""

    tenant_id: int
    generation: int
    live: bool
    failed_position: int | None
    waiting_since: datetime | None

    @property
    def scope(self) -> Scope:
        """Whose it is."""
        return Scope(self.tenant_id, self.generation)


class Claimed(NamedTuple):
    """A generation that is this transaction's to bring forward, and when its next event was recorded."""

    position: int
    live: bool
    versions: Versions
    failed_position: int | None
    next_recorded_at: datetime | None


def claim(connection: Connection, scope: Scope) -> Claimed | None:
    """Claim a generation until the transaction ends; None where another has it, or it is retired."""
    found = connection.execute(SQL.claim.sql, scope._asdict()).fetchone()
    return None if found is None else Claimed(*found)


def advance(
    connection: Connection, scope: Scope, position: int, versions: Versions | None = None
) -> None:
    """Say that a generation shows all events up to `position`, in the transaction that makes it so.

    `versions` are of the code, and kept with the first event. Raises the library's IntegrityError if
    the generation has been there already: then the transaction must fail.
    """
    parameters = {
        **scope._asdict(),
        "position": position,
        "versions": msgspec.json.encode(versions or {}).decode(),
        "now": datetime.now(UTC),
    }
    if connection.execute(SQL.advance.sql, parameters).fetchone() is None:
        raise IntegrityError(f"{scope} is at position {position} already, or further")


def fail(connection: Connection, scope: Scope, position: int, reason: str) -> None:
    """Say where every process sees it that the event at `position` can't be projected, and why."""
    text = reason.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    parameters = {"position": position, "reason": text[:_LONGEST_REASON], "now": datetime.now(UTC)}
    connection.execute(SQL.fail.sql, {**scope._asdict(), **parameters})


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
