"""What a tenant and its keys may send and ask: set by the operator, found with each key."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from domain.rate_limits import Rate, What
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_pairs
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Setting limits, and finding them."""

    limits_of: Statement
    list_limits: Statement
    limits_of_tenants: Statement
    set_limit: Statement
    remove_limit: Statement
    forget_buckets: Statement


SQL = Sql(__file__)

WHOLE_TENANT = 0
"""The key_id of a limit that all keys of a tenant share."""


class Limit(Struct, frozen=True):
    """The limit of a key, or of a whole tenant. What is None is not limited."""

    key_id: int
    requests_per_s: int | None
    items_per_s: int | None
    bytes_per_s: int | None
    burst_s: int


class Bucket(NamedTuple):
    """One thing that is counted for a tenant or a key, and how much of it is allowed."""

    tenant_id: int
    key_id: int
    what: What
    rate: Rate

    @property
    def policy(self) -> str:
        """The name that clients know it by."""
        return f"{'key' if self.key_id else 'tenant'}-{self.what}"


def buckets_of(connection: Connection, tenant_id: int, key_id: int) -> tuple[Bucket, ...]:
    """Find what limits a key: its own limit and its tenant's."""
    parameters = {"tenant_id": tenant_id, "key_id": key_id}
    limits = fetch_all(connection, SQL.limits_of, parameters, Limit)
    return tuple(bucket for limit in limits for bucket in _buckets(tenant_id, limit))


def list_limits(connection: Connection, tenant_id: int) -> list[Limit]:
    """List the limits of a tenant, that of the whole tenant first."""
    return fetch_all(connection, SQL.list_limits, {"tenant_id": tenant_id}, Limit)


def limits_of_tenants(connection: Connection, tenant_ids: Sequence[int]) -> dict[int, list[Limit]]:
    """Return the same of several tenants, in one query; those without a limit are left out."""
    parameters = {"tenant_ids": list(tenant_ids)}
    found: dict[int, list[Limit]] = {}
    for tenant_id, limit in fetch_pairs(
        connection, SQL.limits_of_tenants, parameters, "tenant_id", Limit
    ):
        found.setdefault(tenant_id, []).append(limit)
    return found


def set_limit(connection: Connection, tenant_id: int, limit: Limit) -> None:
    """Set a limit in the place of the one that is there; its buckets are full then."""
    row = {
        "tenant_id": tenant_id,
        "key_id": limit.key_id,
        "requests_per_s": limit.requests_per_s,
        "items_per_s": limit.items_per_s,
        "bytes_per_s": limit.bytes_per_s,
        "burst_s": limit.burst_s,
    }
    with connection.transaction():
        connection.execute(SQL.set_limit.sql, row)
        _forget_buckets(connection, tenant_id, limit.key_id)


def remove_limit(connection: Connection, tenant_id: int, key_id: int) -> bool:
    """Remove a limit; False if there is none."""
    parameters = {"tenant_id": tenant_id, "key_id": key_id}
    with connection.transaction():
        removed = connection.execute(SQL.remove_limit.sql, parameters).rowcount > 0
        _forget_buckets(connection, tenant_id, key_id)
    return removed


def _forget_buckets(connection: Connection, tenant_id: int, key_id: int) -> None:
    parameters = {"tenant_id": tenant_id, "key_id": key_id}
    connection.execute(SQL.forget_buckets.sql, parameters)


def _buckets(tenant_id: int, limit: Limit) -> Iterator[Bucket]:
    rates: dict[What, int | None] = {
        "requests": limit.requests_per_s,
        "items": limit.items_per_s,
        "bytes": limit.bytes_per_s,
    }
    for what, per_s in rates.items():
        if per_s is not None:
            yield Bucket(tenant_id, limit.key_id, what, Rate(per_s, limit.burst_s))
