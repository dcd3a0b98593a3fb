"""Dates in queries of the log: each is the beginning of the gaming day of that name, by the days of the rest.

What is read of the read models takes them by the days of its own snapshot.
"""

from typing import Any, TypeVar

import anyio.to_thread
from litestar import Request
from msgspec import Struct

from api.http.auth import tenant_of
from api.querying.parameters import Asked
from domain.gaming_day import GamingDays
from postgres.connections import Connection, Pool
from projections.days import live_rule
from projections.entries import Scope
from projections.reading import Snapshot

F = TypeVar("F", bound=Struct)
K = TypeVar("K")


async def at_moments(request: Request[Any, Any, Any], asked: Asked[F, K]) -> Asked[F, K]:
    """Put moments in the place of the dates that a request names, if it does, once for a long answer.

    Raises what `Asked.at_moments` does, and one of `postgres.errors.UNAVAILABLE`.
    """
    if not asked.names_days:
        return asked
    return asked.at_moments(await anyio.to_thread.run_sync(_days, request))


def see_log(connection: Connection, tenant_id: int, position: int) -> Snapshot:
    """See what is only ever added to, up to a position, by the days that queries show."""
    days = live_rule(connection, tenant_id).days
    return Snapshot(connection, Scope(tenant_id, 0), position, days)


def _days(request: Request[Any, Any, Any]) -> GamingDays:
    pool: Pool = request.app.state.looking_up
    with pool.connection() as connection:
        return live_rule(connection, tenant_of(request).tenant_id).days
