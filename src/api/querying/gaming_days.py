"""Dates in queries: each is the beginning of the gaming day of that name, by the days that queries show."""

from typing import Any, TypeVar

import anyio.to_thread
from litestar import Request
from msgspec import Struct

from api.http.auth import tenant_of
from api.querying.parameters import Asked
from domain.gaming_day import GamingDays
from postgres.connections import Pool
from projections.days import live_rule

F = TypeVar("F", bound=Struct)
K = TypeVar("K")


async def at_moments(request: Request[Any, Any, Any], asked: Asked[F, K]) -> Asked[F, K]:
    """Put moments in the place of the dates that a request names, if it does.

    Raises one of `postgres.errors.UNAVAILABLE`.
    """
    if not asked.names_days:
        return asked
    return asked.at_moments(await anyio.to_thread.run_sync(_days, request))


def _days(request: Request[Any, Any, Any]) -> GamingDays:
    pool: Pool = request.app.state.looking_up
    with pool.connection() as connection:
        return live_rule(connection, tenant_of(request).tenant_id).days
