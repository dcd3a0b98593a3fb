"""A service that holds the sample day, and a browser, for all tests of a process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import browsing
from tests.conftest import SAMPLES
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving, starting
from tests.http.wire import EVENTS, body, counts

TENANT = "acme"


@pytest.fixture(scope="package")
def service(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running `roundbook serve` of these tests' own."""
    folder = tmp_path_factory.mktemp("service")
    with (
        new_database(admin_url, template=template) as database,
        serving(folder, settings=on(database)) as running,
    ):
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services of a test's own, which end with it.

    To be asked for after the database: what was set up last is taken down first.
    """
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="package")
def key(service: Service) -> str:
    """A key of a tenant that holds the sample day, and an item that was left out."""
    service.new_tenant(TENANT)
    made = service.new_key(TENANT, "ingest", "read", "audit", "operate")
    with service.client(made) as client:
        for batch in sorted((SAMPLES / "casino-day").glob("batch-*.json")):
            counts(client.post(EVENTS, content=batch.read_bytes()))
        client.post(EVENTS, content=body({}), headers={"prefer": "handling=lenient"})
        client.get("/api/v1/players", params={"at_least": 484}).raise_for_status()
        eventually(lambda: is_sealed(client))
    return made


def is_sealed(client: httpx.Client) -> bool:
    """Whether the whole day is sealed, and it was stated how its streams end."""
    stated = client.get("/api/v1/evidence/heads", params={"player_id": "StQ-1"})
    sealed = client.get("/api/v1/evidence/checkpoint", params={"size": 484})
    return stated.is_success and sealed.is_success


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A headless Chromium."""
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
