"""How far each generation of a tenant's read models is, as the `eventsourcing` library's tracking."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from eventsourcing.persistence import IntegrityError, Tracking, TrackingRecorder
from psycopg_pool import ConnectionPool

from domain.gaming_day import GamingDays
from postgres.changes import Changes
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements
from projections.days import Numbered, numbered
from projections.entries import Scope, Versions


class Sql(Statements):
    """Reading and writing how far each generation is."""

    begin: Statement
    advance: Statement
    position_by_name: Statement
    tenant_by_name: Statement
    appended: Statement
    live_tenants: Statement
    behind: Statement
    behind_alone: Statement
    claim: Statement
    fail: Statement
    live: Statement


SQL = Sql(__file__)

Pool = ConnectionPool[Connection]

_LONGEST_REASON = 500


class Behind(NamedTuple):
    """A generation that does not show all events: where it stands still, if so, how many, and how long."""

    tenant_id: int
    generation: int
    live: bool
    failed_position: int | None
    events: int
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
    time_zone: str | None
    starts_at_minute: int | None
    number: int | None

    @property
    def days(self) -> Numbered:
        """By which days it is made; the newest rule where nothing is made yet."""
        return numbered(self.time_zone, self.starts_at_minute, self.number)


class Live(NamedTuple):
    """The generation that queries read, how far it is, and by which days it is made."""

    generation: int
    position: int
    time_zone: str | None = None
    starts_at_minute: int | None = None
    number: int | None = None

    @property
    def days(self) -> GamingDays:
        """The days."""
        return numbered(self.time_zone, self.starts_at_minute, self.number).days


def begin(connection: Connection, tenant_id: int) -> None:
    """Begin the read models of a tenant that is new."""
    connection.execute(SQL.begin.sql, {"tenant_id": tenant_id, "now": datetime.now(UTC)})


def live(connection: Connection, tenant_id: int) -> Live | None:
    """Return which generation of a tenant is live, None where there is no such tenant."""
    return fetch_one(connection, SQL.live, {"tenant_id": tenant_id}, Live)


def appends() -> Changes:
    """Begin to look for the tenants whose logs grow."""
    return Changes(SQL.appended, SQL.live_tenants)


def behind_of(connection: Connection, tenant_ids: list[int] | None) -> list[Behind]:
    """List the generations of these tenants, of all for None, that have events to project, least first."""
    if tenant_ids is None:
        tenant_ids = fetch_all(connection, SQL.live_tenants, None, int)
    return fetch_all(connection, SQL.behind, {"tenant_ids": tenant_ids}, Behind)


def behind_alone(connection: Connection, tenant_id: int) -> list[Behind]:
    """List those of one tenant."""
    return fetch_all(connection, SQL.behind_alone, {"tenant_id": tenant_id}, Behind)


def claim(connection: Connection, scope: Scope) -> Claimed | None:
    """Claim a generation until the transaction ends; None where another has it, or it is retired."""
    return fetch_one(connection, SQL.claim, scope._asdict(), Claimed)


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
    if fetch_one(connection, SQL.advance, parameters, int) is None:
        raise IntegrityError(f"{scope} is at position {position} already, or further")


def fail(connection: Connection, scope: Scope, position: int, reason: str) -> None:
    """Record for all processes that the event at `position` can't be projected, and why."""
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
            parameters = {"name": tracking.application_name}
            tenant_id = fetch_one(connection, SQL.tenant_by_name, parameters, int)
            if tenant_id is None:
                raise IntegrityError(f"there is no tenant {tracking.application_name!r}")
            advance(connection, Scope(tenant_id, self._generation), tracking.notification_id)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return the position of a tenant's generation, None before its first event."""
        parameters = {"name": application_name, "generation": self._generation}
        with self._pool.connection() as connection:
            return fetch_one(connection, SQL.position_by_name, parameters, int) or None
