"""The page at `/`, and what leads to the documentation."""

from typing import Any

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import as_wide_as, click, complaints, find, in_colours
from tests.http.service import Service
from tests.http.wire import assert_problem

pytestmark = pytest.mark.xdist_group("browser")

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = ("/", "/schema", "/schema/")

# The contrast of a text with what lies behind it (WCAG 2.2, 1.4.3), of each text of the page.
CONTRASTS = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = channels(colour).slice(0, 3).map((each) => {
    const c = each / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const background = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  return channels(colour)[3] === 0 ? background(element.parentElement) : colour;
};
return [...document.querySelectorAll("h1, p, li, a, code")].map((element) => {
  const pair = [getComputedStyle(element).color, background(element)].map(luminance);
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
});
"""
LOADED = "return performance.getEntriesByType('resource').map((each) => each.name)"


@pytest.fixture
def home(browser: WebDriver, service: Service) -> WebDriver:
    browser.get(service.url + "/")
    return browser


def version_of(service: Service) -> str:
    document: Any = httpx.get(service.url + "/schema/openapi.json", timeout=60).json()
    return str(document["info"]["version"])


def test_the_page_says_what_this_is_and_leads_to_the_documentation(
    home: WebDriver, service: Service
) -> None:
    assert home.title == "Roundbook"
    assert find(home, home, "main h1").text == "Roundbook"
    assert find(home, home, ".version").text == f"Version {version_of(service)}"
    assert "online casinos" in find(home, home, "main").text
    click(home, home.find_element("link text", "Documentation of the API"))
    assert "Roundbook" in find(home, home, ".information-container").text
    assert home.current_url == service.url + "/schema"
    assert not complaints(home)


def test_the_page_leads_to_the_console(home: WebDriver, service: Service) -> None:
    click(home, home.find_element("link text", "Console"))
    assert home.current_url.startswith(service.url + "/console/login")
    assert not complaints(home)


def test_every_link_of_the_page_leads_somewhere(home: WebDriver, service: Service) -> None:
    links = [link.get_attribute("href") for link in home.find_elements("css selector", "a")]
    assert len(links) >= 3
    for link in links:
        assert link is not None
        assert link.startswith(service.url + "/")
        assert httpx.get(link, timeout=60, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_in_light_and_dark(home: WebDriver, scheme: str) -> None:
    in_colours(home, scheme)
    contrasts = home.execute_script(CONTRASTS)
    assert len(contrasts) > 10
    assert min(contrasts) >= 4.5
    colour = find(home, home, "body").value_of_css_property("background-color")
    channels = [int(part) for part in colour.strip("rgba()").split(",")[:3]]
    assert (min(channels) > 200) if scheme == "light" else (max(channels) < 60)


def test_the_page_can_be_read_aloud_and_on_a_telephone(home: WebDriver) -> None:
    assert find(home, home, "html").get_attribute("lang") == "en"
    assert find(home, home, "nav").get_attribute("aria-label")
    for image in home.find_elements("css selector", "img"):
        assert image.get_dom_attribute("alt") is not None
    with as_wide_as(home, 320):
        assert home.execute_script("return document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere_and_may_not(
    browser: WebDriver, service: Service, path: str
) -> None:
    answer = httpx.get(service.url + path, headers={"accept": BROWSER}, timeout=60)
    policy = answer.headers["content-security-policy"]
    head = httpx.head(service.url + path, headers={"accept": BROWSER}, timeout=60)
    assert (head.status_code, head.headers["content-security-policy"]) == (200, policy)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    browser.get(service.url + path)
    loaded = browser.execute_script(LOADED)
    assert loaded
    assert all(name.startswith((service.url + "/", "data:")) for name in loaded)
    assert not complaints(browser)


@pytest.mark.parametrize(
    ("path", "target", "shows"),
    [
        ("/docs", "/schema", "Roundbook: the API"),
        ("/openapi.json", "/schema/openapi.json", '"openapi":"3.1.0"'),
    ],
)
def test_where_many_look_first_leads_there_too(
    browser: WebDriver, service: Service, path: str, target: str, shows: str
) -> None:
    browser.get(service.url + path)
    assert browser.current_url == service.url + target
    assert shows in browser.page_source
    icon = httpx.get(service.url + "/favicon.ico", follow_redirects=True, timeout=60)
    assert icon.status_code == 200
    assert not complaints(browser)


def test_a_program_is_told_in_json_where_the_documentation_is(service: Service) -> None:
    answer = httpx.get(service.url + "/", headers={"accept": "application/json"}, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept"
    told = answer.json()
    assert (told["name"], told["version"]) == ("Roundbook", version_of(service))
    for name in ("documentation", "openapi", "console"):
        answer = httpx.get(service.url + told[name], timeout=60, follow_redirects=True)
        assert answer.status_code == 200
    for accept in (BROWSER, "*/*"):
        page = httpx.get(service.url + "/", headers={"accept": accept}, timeout=60)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["vary"] == "Accept"
    refused = httpx.get(service.url + "/", headers={"accept": "image/png"}, timeout=60)
    assert_problem(refused, "not-acceptable")
