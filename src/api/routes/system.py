"""The whole service, for who operates it: `GET /api/v1/system/tenants` and what is below."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from msgspec import Struct

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS, TENANT_PROBLEMS
from api.http.accept import JSON
from api.http.problems import ProblemError
from api.querying.answers import Page
from api.querying.parameters import Apart, NoFilters, Query
from api.querying.queries import Queries, read_request
from api.system import LimitView, TenantStatus, tenant_statuses
from app.evidence.status import EvidenceStatus
from app.tenants import (
    Key,
    Scope,
    Tenant,
    TenantError,
    find_tenant,
    is_name,
    list_keys,
    list_tenants,
)
from domain.ids import KeyId
from postgres.connections import Connection, Pool
from projections.reading import Rows, rows
from projections.status import FailureView, RebuildStatus

V = TypeVar("V")

Name = Annotated[
    str,
    PathParameter(description="The tenant's name.", examples=[Example(value="acme")]),
]


class TenantFilters(Struct, frozen=True):
    """Which tenants."""

    in_trouble: bool | None = None


class Tenants(Page[TenantStatus], frozen=True):
    """A page of tenants, by name."""


class ApiKey(Struct, frozen=True):
    """What is kept of an API key; the key itself is not, and its hash is not told.

    `last_used_at` is noted once a minute at most; it is null of a key that was never used.
    """

    key_id: int
    label: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class ApiKeys(Page[ApiKey], frozen=True):
    """A page of a tenant's keys, newest last."""


TENANTS: Query[TenantFilters, str] = Query(
    "tenants",
    TenantFilters,
    {
        "in_trouble": (
            "Only tenants with `troubles`, which somebody must look at (true), or only the others (false).",
            Apart(True),  # noqa: FBT003
        )
    },
    place=str,
    waits=False,
)
TENANT: Query[NoFilters, None] = Query("tenant", NoFilters, {}, waits=False)
KEYS: Query[NoFilters, int] = Query("tenant-keys", NoFilters, {}, place=KeyId, waits=False)

_AT = datetime(2025, 1, 15, 12, 0, tzinfo=UTC)
_EXAMPLE = TenantStatus(
    name="acme",
    created_at=datetime(2025, 1, 1, 9, 30, tzinfo=UTC),
    closed_at=None,
    read_at=datetime(2025, 1, 15, 12, 0, 7, 500_000, tzinfo=UTC),
    troubles=["failed", "late"],
    log_position=484,
    lag_events=4,
    lag_seconds=7.5,
    failure=FailureView(481, "UnknownTopicError: BetPlaced.v2", _AT),
    rebuild=RebuildStatus(120, failure=None),
    evidence=EvidenceStatus(484, datetime(2025, 1, 15, 12, 0, 1, tzinfo=UTC), failure=None),
    limits=[LimitView(None, requests_per_s=200, items_per_s=5000, bytes_per_s=None, burst_s=10)],
)
_KEYS_EXAMPLE = ApiKeys(
    [
        ApiKey(
            key_id=7,
            label="the platform",
            scopes=["ingest", "read"],
            created_at=datetime(2025, 1, 1, 9, 31, tzinfo=UTC),
            expires_at=None,
            revoked_at=None,
            last_used_at=_AT,
        )
    ],
    None,
)


@get(
    "/api/v1/system/tenants",
    tags=["system"],
    summary="List how all tenants are",
    opt={"scope": "operate"},
    operation_class=operation(TENANTS, Tenants([_EXAMPLE], None)),
    responses=QUERY_PROBLEMS,
)
async def list_tenant_statuses(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Tenants]:
    """List all tenants of the service, by name: how far each is, what is wrong with it, and its limits.

    `troubles` says what somebody must look at: the read models stand still (`failed`), or those that are
    made anew do (`rebuild_failed`); nothing is signed of the log (`not_signed`), its heads are not stated
    (`not_stated`); its read models were made of a log that was not what was sealed (`rebuilt_anyway`); an
    event has waited for more than 5 seconds to be shown (`late`).
    """
    asked = await read_request(request, TENANTS)

    def read(connection: Connection) -> Rows[TenantStatus, str]:
        after = asked.after or ""
        tenants = [tenant for tenant in list_tenants(connection) if tenant.name > after]
        tenants.sort(key=lambda tenant: tenant.name)
        wanted = asked.filters.in_trouble
        if wanted is None:
            page = rows(tenants, asked.limit, lambda tenant: tenant.name)
            return Rows(tenant_statuses(connection, page.items), page.last_place)
        found = [
            status
            for status in tenant_statuses(connection, tenants)
            if bool(status.troubles) is wanted
        ]
        return rows(found, asked.limit, lambda status: status.name)

    found = await _look(queries, read)
    content = Tenants(found.items, TENANTS.cursor(asked, found.last_place))
    return Response(content, media_type=JSON)


@get(
    "/api/v1/system/tenants/{name:str}",
    tags=["system"],
    summary="Show how a tenant is",
    opt={"scope": "operate"},
    operation_class=operation(TENANT, _EXAMPLE),
    responses=TENANT_PROBLEMS,
)
async def show_tenant_status(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries], name: Name
) -> Response[TenantStatus]:
    """Show the same of one tenant."""
    await read_request(request, TENANT)
    found = await _look(
        queries, lambda connection: tenant_statuses(connection, [_named(connection, name)])
    )
    if not found:
        raise _no_such(name)
    return Response(found[0], media_type=JSON)


@get(
    "/api/v1/system/tenants/{name:str}/keys",
    tags=["system"],
    summary="List the keys of a tenant",
    opt={"scope": "operate"},
    operation_class=operation(KEYS, _KEYS_EXAMPLE),
    responses=TENANT_PROBLEMS,
)
async def list_api_keys(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries], name: Name
) -> Response[ApiKeys]:
    """List a tenant's keys with what they may do and when they were last used, newest last.

    Those that expired or were revoked are listed, too.
    """
    asked = await read_request(request, KEYS, of=name)
    after = asked.after or 0

    def read(connection: Connection) -> Rows[Key, int]:
        keys = list_keys(connection, _named(connection, name))
        return rows(
            [key for key in keys if key.key_id > after], asked.limit, lambda key: key.key_id
        )

    found = await _look(queries, read)
    content = ApiKeys([*map(_shown, found.items)], KEYS.cursor(asked, found.last_place))
    return Response(content, media_type=JSON)


async def _look(queries: Queries, read: Callable[[Connection], V]) -> V:
    def look(pool: Pool) -> V:
        with pool.connection() as connection:
            return read(connection)

    return await queries.at_primary(look)


def _named(connection: Connection, name: str) -> Tenant:
    """Find a tenant. Raises ProblemError `not-found`."""
    if not is_name(name):
        raise _no_such(name)
    try:
        return find_tenant(connection, name)
    except TenantError:
        raise _no_such(name) from None


def _no_such(name: str) -> ProblemError:
    return ProblemError("not-found", f"There is no tenant {name!r}.")


def _shown(key: Key) -> ApiKey:
    return ApiKey(
        key.key_id,
        key.label,
        key.scopes,
        key.created_at,
        key.expires_at,
        key.revoked_at,
        key.last_used_at,
    )
