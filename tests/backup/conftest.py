"""Databases to back up and to bring back, each test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.databases import Database, new_database
from tests.faults.places import open_account
from tests.faults.sending import Ledger, traffic
from tests.http.service import Service, on, starting


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
def filled(fresh_database: Database, start: Callable[..., Service]) -> Database:
    """A database with a log of some hundred events, which nobody serves."""
    service = start(settings=on(fresh_database))
    account = open_account(fresh_database.service_url, "acme")
    batches = traffic(11, sizes=[150])
    with account.client(service, Ledger()) as client:
        for _ in range(4):
            client.send(next(batches))
    service.stop()
    return fresh_database
