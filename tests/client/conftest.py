"""A served instance for the tests of this folder that leave it whole, and a tenant for each test."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from roundbook_client import Client, Options

from tests.databases import Database, new_database
from tests.http.service import Service, on, serving, starting

_names = itertools.count(1)


@pytest.fixture(scope="package")
def service(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running `roundbook serve`, which no test may stop."""
    with ExitStack() as stack:
        database = stack.enter_context(new_database(admin_url, template=template))
        folder = tmp_path_factory.mktemp("service")
        yield stack.enter_context(serving(folder, settings=on(database)))


@pytest.fixture
def key(service: Service) -> str:
    """A key with all scopes, of a tenant with an empty log."""
    return new_key(service)


def new_key(service: Service) -> str:
    name = f"c{next(_names)}"
    service.new_tenant(name)
    return service.new_key(name, "ingest", "read", "audit")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services of a test's own, which end with it."""
    with starting(tmp_path) as function:
        yield function


@pytest.fixture
def client(service: Service, key: str, tmp_path: Path) -> Iterator[Client]:
    """A client with a spool, whose batches don't wait for more."""
    with Client(service.url, key=key, spool=tmp_path / "spool", options=quick()) as opened:
        yield opened


def quick(**more: object) -> Options:
    """Options of a client that does not wait long for anything."""
    return Options(**{"linger_s": 0.0, "slow_retry_s": 0.2, **more})  # type: ignore[arg-type]
