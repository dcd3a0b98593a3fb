"""An application for all tests of a folder, and tenants that may ask it."""

from collections.abc import Callable, Iterator

import pytest

from api.asgi import create_app
from app.settings import Settings
from app.tenants import Tenant
from postgres.connections import Pool
from tests.queries.asgi import Api, running
from tests.queries.casino import Casino, OpenCasino, open_casino, play_casino_day


@pytest.fixture(scope="package")
def api(database_url: str) -> Iterator[Api]:
    """The application; it waits 1 s for a position."""
    with running(create_app(Settings(at_least_timeout_s=1), database_url)) as served:
        yield served


@pytest.fixture(scope="package")
def patient(database_url: str) -> Iterator[Api]:
    """The application; it waits longer for a position than any test takes."""
    with running(create_app(Settings(at_least_timeout_s=60), database_url)) as served:
        yield served


@pytest.fixture(scope="package")
def new_casino(
    api: Api, pool: Pool, database_url: str, new_tenant: Callable[..., Tenant]
) -> OpenCasino:
    """A function that makes a tenant with an empty log and a key."""
    return lambda: open_casino(api, pool, database_url, new_tenant("BTC", "USDT"))


@pytest.fixture
def casino(new_casino: OpenCasino) -> Casino:
    """A tenant with an empty log."""
    return new_casino()


@pytest.fixture(scope="package")
def day(new_casino: OpenCasino) -> Casino:
    """A tenant with the sample day in its log and its read models. Tests only read it."""
    filled = new_casino()
    play_casino_day(filled)
    return filled
