"""A tenant that may be asked over HTTP, and the credential that erases."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from app.log.erasure import Erased, Why, erase
from app.tenants import Tenant
from postgres.connections import Connection, connect
from tests.cli.conftest import refused, run, served
from tests.databases import Database
from tests.http.conftest import folder, service, start
from tests.queries.conftest import api, casino, new_casino

# Fixtures, the same as of queries and of commands.
__all__ = ["api", "casino", "folder", "new_casino", "refused", "run", "served", "service", "start"]

WHY = Why("asked by the player", "compliance")

Erase = Callable[..., Erased]


@pytest.fixture(scope="session")
def owner(database: Database) -> Iterator[Connection]:
    """A session of the role that owns the schema."""
    with connect(database.owner_url) as connection:
        yield connection


@pytest.fixture(scope="session")
def erased(owner: Connection) -> Erase:
    """A function that erases a player of a tenant."""

    def run(tenant: Tenant, player_id: str = "p", before: datetime | None = None) -> Erased:
        return erase(owner, tenant.tenant_id, player_id, WHY, before=before)

    return run


def rows(connection: Connection, table: str, tenant: Tenant) -> list[tuple[Any, ...]]:
    """All rows of a table that are a tenant's, by position or number."""
    place = "position" if table == "events" else "2"
    statement = f"select * from {table} where tenant_id = %s order by {place}"
    return connection.execute(statement.encode(), [tenant.tenant_id]).fetchall()
