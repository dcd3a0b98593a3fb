"""Fixtures that all tests share. Most need no database of their own: a fresh tenant is one."""

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from api.tenancy import create_tenant
from app.log.histories import notice_history
from app.tenants import Tenant
from postgres.connections import Pool, connect, open_pool
from tests import clusters
from tests.databases import Database, new_database, server_admin_url

# A database makes the first example slow, and a busy machine any of them.
settings.register_profile(
    "roundbook",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
settings.load_profile("roundbook")

_tenants = itertools.count(1)

_of_one_server = pytest.StashKey[list[tuple[pytest.Item, str]]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a cluster, take out what is about one server, and mark it with the reason."""
    if not clusters.is_given():
        return
    left = [(item, reason) for item in items if (reason := clusters.why_not(item.nodeid))]
    for item, reason in left:
        item.add_marker(pytest.mark.one_server(reason))
    config.stash[_of_one_server] = left
    config.hook.pytest_deselected(items=[item for item, _ in left])
    taken = {id(item) for item, _ in left}
    items[:] = [item for item in items if id(item) not in taken]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and why."""
    left = Counter(reason for _, reason in config.stash.get(_of_one_server, []))
    for reason, tests in sorted(left.items()):
        terminalreporter.write_line(f"not on a cluster: {tests} tests: {reason}")


SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def admin_url() -> Iterator[str]:
    """A superuser's URL of the PostgreSQL that this run tests against."""
    with TemporaryDirectory(prefix="roundbook-test-") as folder:
        # As root the server runs as another user, who must get there (pytest's own folders are closed).
        Path(folder).chmod(0o755)
        with server_admin_url(Path(folder)) as url:
            yield url


@pytest.fixture(scope="session")
def template(admin_url: str) -> Iterator[Database]:
    """A migrated, empty database that nobody connects to, to be copied."""
    with new_database(admin_url) as database:
        yield database


@pytest.fixture(scope="session")
def database(admin_url: str, template: Database) -> Iterator[Database]:
    """A migrated database that the tests of this run share."""
    with new_database(admin_url, template=template) as shared:
        _look_where_it_is(shared)
        yield shared


@pytest.fixture
def fresh_database(admin_url: str, template: Database) -> Iterator[Database]:
    """A migrated, empty database for one test."""
    with new_database(admin_url, template=template) as own:
        _look_where_it_is(own)
        yield own


def _look_where_it_is(database: Database) -> None:
    """As a service does when it starts: else the first append does, and others wait for it."""
    with connect(database.service_url) as connection:
        notice_history(connection)


@pytest.fixture(scope="session")
def database_url(database: Database) -> str:
    """The URL that the service under test uses."""
    return database.service_url


@pytest.fixture(scope="session")
def pool(database_url: str) -> Iterator[Pool]:
    """Connections of the service's own role to the shared database."""
    with open_pool(database_url, max_size=10) as shared:
        yield shared


@pytest.fixture(scope="session")
def new_tenant(database_url: str) -> Callable[..., Tenant]:
    """A function that makes a tenant with an empty log; its codes beyond ISO 4217 are its arguments."""

    def make(*currencies: str) -> Tenant:
        with connect(database_url) as connection:
            name = f"t{os.getpid()}-{next(_tenants)}"
            return create_tenant(connection, name, currencies)

    return make


@pytest.fixture
def tenant(new_tenant: Callable[..., Tenant]) -> Tenant:
    """A tenant with an empty log."""
    return new_tenant("BTC", "USDT")


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """A place to leave what must be undone at the end of a test."""
    with ExitStack() as stack:
        yield stack
