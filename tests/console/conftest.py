"""A service that holds the sample day, and ids that are up to no good; a browser that is logged in."""

from collections.abc import Iterator

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import browsing
from tests.conftest import SAMPLES
from tests.console.catalogue import new_catalogue
from tests.console.visiting import log_in
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, bet, body, counts

TENANT = "acme"
DAY_EVENTS = 484

HOSTILE_IDS = (
    '<img src="https://evil.example/x" onerror="document.title=1">',
    "<script>document.title = 'run'</script>",
    "'\"></td></table><h1>out</h1>",
    "\u202egnp.exe\u202c \u2067abc",
    "\N{PARTY POPPER}" * 255,
    "a//b/../%2F%2e%2e/?x=1&y=2#z",
    "..",
    "{{ 7 * 7 }} ${7 * 7}",
    "=1+1|  two  spaces ",
)
"""Each is a player, a game and a round of one bet."""
HOSTILE_TEXTS = (*HOSTILE_IDS, "W" * 255)
"""What is no id, and can be anything as well."""


@pytest.fixture(scope="package")
def service(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running `roundbook serve` of these tests' own, with a tenant that holds the sample day."""
    folder = tmp_path_factory.mktemp("service")
    with (
        new_database(admin_url, template=template) as database,
        serving(folder, settings=on(database) | {"ROUNDBOOK_KEY_CACHE_S": "0"}) as running,
    ):
        running.new_tenant(TENANT)
        _fill(running)
        yield running


@pytest.fixture(scope="package")
def key(service: Service) -> str:
    """A key of that tenant that admits all that the tenant has."""
    return service.new_key(TENANT, "ingest", "read", "audit", "operate")


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A headless Chromium."""
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def visitor(browser: WebDriver, service: Service, key: str) -> WebDriver:
    """The browser of somebody who is logged in with `key`."""
    log_in(browser, service, key)
    return browser


@pytest.fixture(scope="package")
def catalogue_key(service: Service) -> str:
    """A key of a tenant with games that say what they return."""
    return new_catalogue(service)


@pytest.fixture(scope="module")
def analyst(browser: WebDriver, service: Service, catalogue_key: str) -> WebDriver:
    """The browser of somebody who looks at these games."""
    log_in(browser, service, catalogue_key)
    return browser


def send_day(client: httpx.Client) -> None:
    """Send the sample day."""
    for batch in sorted((SAMPLES / "casino-day").glob("batch-*.json")):
        counts(client.post(EVENTS, content=batch.read_bytes()))


def _fill(service: Service) -> None:
    made = service.new_key(TENANT, "ingest", "read", "audit")
    with service.client(made) as client:
        send_day(client)
        hostile = [
            bet(f"hostile-{number}", player_id=any_id, game_id=any_id, round_id=any_id)
            for number, any_id in enumerate(HOSTILE_IDS)
        ]
        counts(client.post(EVENTS, content=body(*hostile)))
        last = DAY_EVENTS + len(HOSTILE_IDS)
        client.get("/api/v1/players", params={"at_least": last}).raise_for_status()
        eventually(lambda: client.get("/api/v1/status").json()["evidence"]["size"] == last)
