"""Databases to back up and to bring back, each test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.tenancy import create_tenant
from postgres.connections import open_pool
from tests.databases import Database, new_database
from tests.evidence.filling import fill, items
from tests.http.service import Service, starting


@pytest.fixture
def empty_database(admin_url: str) -> Iterator[Database]:
    """A database without a schema."""
    with new_database(admin_url, empty=True) as database:
        yield database


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services, which end with the test."""
    with starting(tmp_path) as function:
        yield function


@pytest.fixture
def filled(fresh_database: Database) -> Database:
    """A database with a log of some hundred events."""
    with open_pool(fresh_database.service_url, max_size=1) as pool:
        with pool.connection() as connection:
            tenant = create_tenant(connection, "acme")
        fill(pool, tenant.tenant_id, items(), 600)
    return fresh_database
