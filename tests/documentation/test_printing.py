"""Reports as people print them: by a browser, from their own page."""

import base64
import re
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import browsing
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

# Nothing but texts that anybody wrote breaks, and nothing is wider than its page.
_BROKEN = """
return [...document.querySelectorAll("td.number, td.word")].filter(cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(line => line.top)).size > 1;
}).map(cell => cell.textContent);
"""


def print_page(browser: WebDriver) -> bytes:
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    return base64.b64decode(printed["data"])


def test_the_revenue_of_a_day_is_one_page(service: Service, key: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    with service.client(key) as client, browsing(tmp_path) as browser:
        for asked in ({}, {"group_by": "provider,currency"}):
            answer = client.get(
                "/api/v1/reports/revenue",
                params={"from": "2025-01-15", "to": "2025-01-16", **asked},
                headers={"accept": "text/html"},
            )
            page.write_bytes(answer.raise_for_status().content)
            browser.get(page.as_uri())
            assert len(browser.find_elements("css selector", "td.number")) > 10
            assert browser.execute_script(_BROKEN) == []
            pages = re.findall(rb"/Type\s*/Page\b", print_page(browser))
            assert len(pages) == 1, asked
