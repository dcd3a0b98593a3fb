"""One served instance for all tests of a folder that leave it whole; a tenant and keys for each test.

It ends with the folder: what each folder kept would fill the server of the tests with connections.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from tests.databases import Database, new_database
from tests.http.service import Service, in_folder, on, serving, starting
from tests.http.wire import new_key

_names = itertools.count(1)


@pytest.fixture(scope="package")
def served(admin_url: str, template: Database) -> Iterator[Database]:
    """The database of the shared service: no other test's, as its projector would meddle."""
    with new_database(admin_url, template=template) as database:
        yield database


@pytest.fixture(scope="package")
def service(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running `roundbook serve`, which no test may stop."""
    with serving(tmp_path_factory.mktemp("service"), settings=on(served)) as running:
        yield running


@pytest.fixture(scope="package")
def watched(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service in whose log there may be no fault of its own; it forgets revoked keys at once.

    For modules of the group `watched`: one process of the run has it.
    """
    with new_database(admin_url, template=template) as database:
        settings = on(database) | {"ROUNDBOOK_KEY_CACHE_S": "0"}
        with serving(tmp_path_factory.mktemp("watched"), settings=settings) as running:
            yield running
            assert [line for line in running.log_lines() if line["level"] == "error"] == []


@pytest.fixture(scope="module")
def writer(watched: Service) -> str:
    """A key with all scopes, of a tenant of the module's own."""
    name = f"w{next(_names)}"
    watched.new_tenant(name)
    return watched.new_key(name, "ingest", "read", "audit")


@pytest.fixture
def tenant_name(served: Database) -> str:
    """A tenant with an empty log; it may send BTC and USDT."""
    with connect(served.service_url) as connection:
        return create_tenant(connection, f"t{next(_names)}", ["BTC", "USDT"]).name


@pytest.fixture
def key(served: Database, tenant_name: str) -> str:
    """A key with all scopes."""
    return new_key(served, tenant_name, "ingest", "read", "audit")


@pytest.fixture
def client(service: Service, key: str) -> Iterator[httpx.Client]:
    """HTTP to the shared service, in the name of the test's tenant."""
    with service.client(key) as opened:
        yield opened


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own are not: for an embedded database."""
    path = Path(tempfile.mkdtemp(prefix="rb-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services of a test's own, which end with it.

    To be asked for after the database: what was set up last is taken down first.
    """
    with starting(folder) as start:
        yield start


@pytest.fixture
def own(fresh_database: Database, start: Callable[..., Service]) -> Service:
    """A service of the test's own, on a database of its own, with a tenant `acme`."""
    service = start(settings=on(fresh_database))
    service.new_tenant("acme")
    return service


@pytest.fixture
def embedded(folder: Path, start: Callable[..., Service]) -> Service:
    """A service with an embedded database of its own, and a tenant `acme`."""
    service = start(settings=in_folder(folder / "data"))
    service.new_tenant("acme")
    return service
