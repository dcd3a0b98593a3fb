"""The overview."""

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import complaints, find
from tests.console.conftest import DAY_EVENTS, HOSTILE_IDS
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")


def test_the_overview_shows_the_head_of_the_log(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console")
    assert str(DAY_EVENTS + len(HOSTILE_IDS)) in find(visitor, visitor, ".facts").text
    assert not complaints(visitor)
