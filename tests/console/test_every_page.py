"""What holds of every page of the console: each is shown to a browser, in light and dark."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from api.console.pages import ROUTES
from api.console.pages.login import ROUTES as LOGIN
from tests.browser import as_wide_as, complaints, find, in_colours, requested, until
from tests.console.pages import PAGES, Page
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
FINDINGS = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations.map((each) => ({
  rule: each.id, impact: each.impact, nodes: each.nodes.map((node) => node.html + node.failureSummary)
}))));
"""
# What Tab is to reach, in the order of the page. In a group of radio buttons it reaches one.
REACHABLE = """
const all = "a[href], button, input, select, textarea, summary, [tabindex='0']";
window.reachable = [...document.querySelectorAll(all)].filter(
  (each) => each.checkVisibility() && each.type !== "hidden" && !each.disabled);
return window.reachable.length;
"""
FOCUSED = """
const element = document.activeElement;
return [window.reachable.indexOf(element), element.outerHTML.slice(0, 200),
        getComputedStyle(element).outlineStyle];
"""
# Tab stops at the day, the month, the year and the calendar of a date, and at more of a time.
PARTS_OF_A_FIELD = 8
# A page that htmx answers stays, and gets the address of the answer.
BEFORE = """
window.isBefore = true;
document.addEventListener("htmx:pushedIntoHistory", () => { window.isBefore = false; });
"""
ANSWERED = "return !window.isBefore && document.readyState === 'complete'"
# With the parts that a page asks for as soon as it is there.
LOADED = """
const asked = new Set(performance.getEntriesByType("resource").map((each) => each.name));
return document.readyState === "complete" && !document.querySelector(".htmx-request, .htmx-settling") &&
  [...document.querySelectorAll("[hx-trigger=load]")].every(
    (each) => asked.has(location.origin + each.getAttribute("hx-get")));
"""
# Each row has the same sums several times, and these as many digits as were sent.
OF_MANY_SUMS = {"accounts", "restated"}
TOO_WIDE = """
return [...document.querySelectorAll("main .table")].filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => [each.getAttribute("aria-label"), each.scrollWidth, each.clientWidth]);
"""
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def shown(visitor: WebDriver, service: Service, page: Page) -> WebDriver:
    show(visitor, service, page)
    return visitor


def show(browser: WebDriver, service: Service, page: Page) -> None:
    browser.get(service.url + page.path)
    until(browser, lambda: browser.execute_script(LOADED), "the whole page")


def test_every_page_is_in_the_list() -> None:
    paths = {page.path.partition("?")[0] for page in PAGES}
    for route in ROUTES:
        if isinstance(route, HTTPRouteHandler) and route not in LOGIN and not route.opt.get("part"):
            for template in route.paths:
                pattern = re.compile(re.sub(r"\{\w+:\w+\}", "[^/]+", template))
                assert any(map(pattern.fullmatch, paths)), template
    assert len({page.name for page in PAGES}) == len(PAGES)


@every_page
def test_a_page_breaks_no_rule_and_asks_nobody_else(
    visitor: WebDriver, service: Service, page: Page
) -> None:
    complaints(visitor)
    requested(visitor)
    show(visitor, service, page)
    assert complaints(visitor) == []
    asked = requested(visitor)
    assert service.url + page.path in asked
    assert [url for url in asked if not url.startswith((service.url + "/", "data:"))] == []


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_for_everybody(shown: WebDriver, scheme: str, page: Page) -> None:
    in_colours(shown, scheme)
    shown.execute_script(AXE)
    found: list[Any] = shown.execute_async_script(FINDINGS)
    assert found == [], json.dumps(found, indent=1)


@every_page
def test_a_page_has_one_heading_above_all_and_leaves_out_no_level(
    shown: WebDriver, page: Page
) -> None:
    levels = [
        int(heading.tag_name[1])
        for heading in shown.find_elements("css selector", "h1, h2, h3, h4, h5, h6")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert find(shown, shown, "html").get_attribute("lang") == "en"
    assert find(shown, shown, "main h1").text in shown.title


@every_page
def test_a_page_fits_a_telephone(shown: WebDriver, page: Page) -> None:
    with as_wide_as(shown, 360):
        # Plots follow in a frame after.
        until(
            shown,
            lambda: shown.execute_script("return document.documentElement.scrollWidth") <= 360,
            "a page of that width",
        )


@every_page
def test_nothing_scrolls_sideways_on_a_small_laptop(shown: WebDriver, page: Page) -> None:
    with as_wide_as(shown, 1200):
        assert shown.execute_script("return document.documentElement.scrollWidth") <= 1200
        assert page.name in OF_MANY_SUMS or shown.execute_script(TOO_WIDE) == []


@every_page
def test_a_page_is_used_by_the_keyboard_alone(shown: WebDriver, page: Page) -> None:
    shown.execute_script("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    count = shown.execute_script(REACHABLE)
    reached: list[int] = []
    for _ in range(count * PARTS_OF_A_FIELD):
        ActionChains(shown).send_keys(Keys.TAB).perform()
        number, element, outline = shown.execute_script(FOCUSED)
        assert outline != "none", element
        if [number] != reached[-1:]:
            reached.append(number)
        if len(reached) == count:
            break
    assert reached == list(range(count))


@every_page
def test_the_first_thing_that_the_keyboard_reaches_leads_to_the_content(
    shown: WebDriver, page: Page
) -> None:
    ActionChains(shown).send_keys(Keys.TAB).perform()
    assert shown.switch_to.active_element.text == "Skip to the content"
    ActionChains(shown).send_keys(Keys.ENTER).perform()
    assert shown.switch_to.active_element.get_attribute("id") == "content"


@every_page
def test_each_form_is_sent_with_enter(shown: WebDriver, service: Service, page: Page) -> None:
    count = len(shown.find_elements("css selector", "main form[method]"))
    for number in range(count):
        show(shown, service, page)
        shown.execute_script(
            "document.querySelectorAll('details').forEach((each) => each.open = true)"
        )
        form = shown.find_elements("css selector", "main form[method]")[number]
        field = form.find_elements("css selector", "input:not([type=hidden])")[0]
        shown.execute_script(BEFORE)
        field.send_keys(Keys.ENTER)
        until(shown, lambda: shown.execute_script(ANSWERED), "the answer")
        assert "?" in shown.current_url
        assert find(shown, shown, "h1").text
