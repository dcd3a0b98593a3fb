"""Appending to a tenant's log, under its lock."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from app.log.rows import copy_data
from app.log.statements import SQL
from postgres.connections import Connection
from postgres.rows import fetch_one


class UnknownTenantError(LookupError):
    """The tenant is unknown."""


@contextmanager
def locked_log(connection: Connection, tenant_id: int) -> Iterator[int]:
    """Hold a tenant's log for one transaction, and give its head (0 for an empty log).

    Everything that can be done before should be: all writers of the tenant wait meanwhile. Raises
    UnknownTenantError, and psycopg.errors.LockNotAvailable when its turn doesn't come in time.
    """
    with connection.transaction():
        if fetch_one(connection, SQL.lock_tenant, {"tenant_id": tenant_id}, int) is None:
            raise UnknownTenantError(tenant_id)
        yield head(connection, tenant_id)


def head(connection: Connection, tenant_id: int) -> int:
    """Return the greatest position of a tenant's log, 0 if it is empty."""
    return fetch_one(connection, SQL.head, {"tenant_id": tenant_id}, int) or 0


def copy(
    connection: Connection,
    tenant_id: int,
    head: int,
    versions: Sequence[int],
    encoded: Iterable[bytes],
    recorded_at: datetime,
) -> None:
    """Append encoded events after `head`, in the order given, each with its version.

    To be called within `locked_log`. Raises psycopg.errors.UniqueViolation if a key or a version is
    in the log already.
    """
    rows = copy_data(tenant_id, head, versions, encoded, recorded_at)
    with connection.cursor() as cursor, cursor.copy(SQL.copy_events.sql) as sink:
        sink.write(rows)
