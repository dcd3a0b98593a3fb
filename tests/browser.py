"""A headless Chromium, and what tests do in it. Waits are for what the page shows, not for time."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

T = TypeVar("T")

_LONG_S = 60
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # which root can't have
    "--disable-dev-shm-usage",  # which containers have little of
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1200,1600",
)


@contextmanager
def browsing(folder: Path) -> Iterator[WebDriver]:
    """Open a browser that keeps all it writes in `folder`."""
    options = Options()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for switch in (*_SWITCHES, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With the driver's path Selenium does not look for one of its own in the network.
    environment = os.environ | {"HOME": str(folder), "SE_OFFLINE": "true"}
    driver = Service(_program("chromedriver"), env=environment)
    browser = WebDriver(options=options, service=driver)
    try:
        browser.set_page_load_timeout(_LONG_S)
        browser.set_script_timeout(_LONG_S)
        yield browser
    finally:
        browser.quit()


def _program(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError(
        f"these tests need {names[0]}: on Debian `apt-get install chromium chromium-driver`"
    )


def until(browser: WebDriver, condition: Callable[[], T], what: str) -> T:
    """Wait until the page shows something; `what` names it where it never comes."""
    # What is replaced between being found and being looked at is looked for again.
    replaced = [StaleElementReferenceException]
    waiting: Any = WebDriverWait(browser, _LONG_S, 0.05, ignored_exceptions=replaced)
    found: T = waiting.until(lambda _: condition(), f"waited for {what} on {browser.current_url}")
    return found


def find(browser: WebDriver, within: WebDriver | WebElement, selector: str) -> WebElement:
    """Wait for the one element that a selector finds."""
    found = until(
        browser, lambda: within.find_elements("css selector", selector), f"an element {selector}"
    )
    assert len(found) == 1, f"{len(found)} elements {selector}"
    return found[0]


def click(browser: WebDriver, element: WebElement) -> None:
    """Click, wherever on the page the element is."""
    browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", element
    )


def complaints(browser: WebDriver) -> list[Any]:
    """Take what the console said: errors of scripts, failed requests, breaches of the policy."""
    said: list[Any] = browser.execute("getLog", {"type": "browser"})["value"]
    return said


def requested(browser: WebDriver) -> list[str]:
    """Take the addresses that pages asked for, by the browser's own record, since it was asked last."""
    entries: list[Any] = browser.execute("getLog", {"type": "performance"})["value"]
    said = (json.loads(entry["message"])["message"] for entry in entries)
    return [
        each["params"]["request"]["url"]
        for each in said
        if each["method"] == "Network.requestWillBeSent"
    ]


def in_colours(browser: WebDriver, scheme: str) -> None:
    """Show pages in `light` or `dark`."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


@contextmanager
def as_wide_as(browser: WebDriver, width: int) -> Iterator[None]:
    """Show pages on a screen that is so many pixels wide, as of a telephone."""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
