"""`make screenshots`: a picture of each page of the console on the sample day, to be looked at."""

import sys
import tempfile
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import browsing, find, in_colours, until
from tests.console.conftest import DAY_EVENTS, TENANT, send_day
from tests.console.pages import PAGES
from tests.console.visiting import log_in
from tests.http.service import Service, in_folder, serving

WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")
TALLEST = 6_000
# Plots are drawn after the page is there.
DRAWN = """
return document.readyState === "complete" && [...document.querySelectorAll("figure.plot .canvas")].every(
  (each) => each.hidden || each.querySelector("canvas"));
"""


def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data), settings=in_folder(Path(data) / "store")) as service,
        browsing(Path(data) / "browser") as browser,
    ):
        service.new_tenant(TENANT)
        key = service.new_key(TENANT, "ingest", "read", "audit", "operate")
        with service.client(key) as client:
            send_day(client)
            client.get("/api/v1/players", params={"at_least": DAY_EVENTS}).raise_for_status()
        take(browser, service, "login", "/console/login", folder)
        log_in(browser, service, key)
        for page in PAGES:
            take(browser, service, page.name, page.path, folder)


def take(browser: WebDriver, service: Service, name: str, path: str, folder: Path) -> None:
    """Take the pictures of a page, each as tall as the page."""
    for scheme in SCHEMES:
        in_colours(browser, scheme)
        for width in WIDTHS:
            size(browser, width, 800)
            browser.get(service.url + path)
            until(browser, lambda: browser.execute_script(DRAWN), "the whole page")
            height = find(browser, browser, "html").size["height"]
            size(browser, width, min(max(int(height), 800), TALLEST))
            browser.save_screenshot(str(folder / f"{name}-{scheme}-{width}.png"))


def size(browser: WebDriver, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
