"""What visitors do, with a browser and without."""

import re
from html import unescape

import httpx
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import complaints, find, until
from tests.http.service import Service

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
_TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
_TABLES = """
const cells = (row) => [...row.cells].map((cell) => cell.textContent.trim());
return Object.fromEntries([...document.querySelectorAll("main .table table")].map(
  (table) => [table.caption.textContent, [...table.tBodies[0].rows].map(cells)]));
"""
_SHOWN = "return [...document.querySelectorAll('bdi')].map((each) => each.textContent)"


def log_in(browser: WebDriver, service: Service, key: str, home: str = "/console") -> None:
    """Log in with a key that is led to `home`, whoever was before."""
    browser.get(f"{service.url}/console/login?reason=ended")
    browser.delete_all_cookies()
    browser.get(f"{service.url}/console/login")
    field = find(browser, browser, "input[name=key]")
    field.send_keys(key)
    field.submit()
    until(browser, lambda: browser.current_url == service.url + home, "the first page")
    complaints(browser)  # of whoever was before


def client_of(service: Service, **options: object) -> httpx.Client:
    """HTTP to the console as a browser speaks it, with its cookies; nobody is logged in."""
    headers = {**BROWSER, **dict(options.pop("headers", {}))}  # type: ignore[call-overload]
    return httpx.Client(base_url=service.url, headers=headers, timeout=60)


def token_of(page: httpx.Response) -> str:
    """The token of the forms of a page."""
    found = _TOKEN.search(page.text)
    assert found, page.text
    return unescape(found[1])


def enter(client: httpx.Client, key: str, **form: str) -> httpx.Response:
    """Send the form of the login."""
    token = token_of(client.get("/console/login", params={"reason": "ended"}))
    return client.post("/console/login", data={"_csrf_token": token, "key": key, **form})


def shown_ids(browser: WebDriver) -> list[str]:
    """The ids and other texts of senders that a page shows, character for character."""
    shown: list[str] = browser.execute_script(_SHOWN)
    return shown


def tables(browser: WebDriver) -> dict[str, list[list[str]]]:
    """The rows of each table of a page by its caption, cell by cell as they are read."""
    shown: dict[str, list[list[str]]] = browser.execute_script(_TABLES)
    return shown
