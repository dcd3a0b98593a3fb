"""Who asks: `GET /api/v1/key`."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS
from api.http.auth import ANY, key_of, tenant_of
from api.querying.parameters import NoFilters, Query
from api.querying.queries import Queries, read_request
from app.tenants import Scope
from postgres.connections import Pool
from projections.days import live_rule


class OwnTenant(Struct, frozen=True):
    """The tenant that a key speaks for."""

    name: str
    closed_at: datetime | None
    currencies: list[str]


class GamingDay(Struct, frozen=True):
    """When the tenant's days begin."""

    time_zone: str
    begins_at: str


class OwnKey(Struct, frozen=True):
    """The key that asks, and what is to be known of its tenant."""

    key_id: int
    label: str
    scopes: list[Scope]
    expires_at: datetime | None
    tenant: OwnTenant
    gaming_day: GamingDay


QUERY: Query[NoFilters, None] = Query("key", NoFilters, {}, waits=False)

_EXAMPLE = OwnKey(
    key_id=1,
    label="back office",
    scopes=["read", "audit"],
    expires_at=None,
    tenant=OwnTenant("acme", None, ["BTC"]),
    gaming_day=GamingDay("Europe/Copenhagen", "06:00"),
)


@get(
    "/api/v1/key",
    tags=["query"],
    summary="Show whose key asks",
    opt={"scope": ANY},
    operation_class=operation(QUERY, _EXAMPLE),
    responses=QUERY_PROBLEMS,
)
async def show_key(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[OwnKey]:
    """Show the key that asks, its tenant, and when that tenant's gaming days begin. Any scope will do."""
    await read_request(request, QUERY)
    key, tenant = key_of(request), tenant_of(request)

    def read(pool: Pool) -> GamingDay:
        with pool.connection() as connection:
            rule = live_rule(connection, tenant.tenant_id).rule
        return GamingDay(rule.time_zone, rule.starts_at)

    return Response(
        OwnKey(
            key.key_id,
            key.label,
            key.scopes,
            key.expires_at,
            OwnTenant(tenant.name, tenant.closed_at, tenant.currencies),
            await queries.by_key(read),
        )
    )
