"""The catalogue of games, as somebody narrows it down."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser import as_wide_as, click, complaints, find, until
from tests.console.catalogue import GAMES, LUCKY, PROVIDERS, THEMES
from tests.console.conftest import HOSTILE_IDS
from tests.console.visiting import client_of, enter, log_in, tables
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

FACETS = """
const found = {};
for (const heading of document.querySelectorAll("#facets h2"))
  found[heading.textContent] = [...heading.nextElementSibling.querySelectorAll("li")].map(
    (each) => [...each.children].map((part) => part.textContent));
return Object.entries(found);
"""
LABELS = {
    "provider": "Provider",
    "category": "Category",
    "feature": "Feature",
    "theme": "Theme",
    "device": "Device",
    "has_freespins": "Free spins",
}
WORDS = {"undefined": "Not known", "unknown": "Not known", "yes": "Yes", "no": "No"}
REELCO = "#provider-ReelCo"
NAMES = "return [...document.querySelectorAll('#found tbody th a')].map((each) => each.textContent)"
TOTAL = "return document.querySelector('.total')?.textContent"
MARK = "window.stays = true"
STAYS = "return window.stays === true"


@pytest.fixture
def games(analyst: WebDriver, service: Service) -> WebDriver:
    analyst.get(f"{service.url}/console/games")
    complaints(analyst)
    return analyst


@pytest.fixture
def without_scripts(analyst: WebDriver) -> Iterator[WebDriver]:
    analyst.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    yield analyst
    analyst.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def asked(service: Service, key: str, path: str, **parameters: Any) -> Any:
    with service.client(key) as client:
        return client.get(f"/api/v1/{path}", params=parameters).json()


def shown_facets(browser: WebDriver) -> dict[str, list[list[str]]]:
    return dict(browser.execute_script(FACETS))


def names(browser: WebDriver) -> list[str]:
    shown: list[str] = browser.execute_script(NAMES)
    return shown


def total(browser: WebDriver, count: int) -> None:
    said = f"{count} game{'s' if count != 1 else ''}"
    until(browser, lambda: browser.execute_script(TOTAL) == said, said)


def focused(browser: WebDriver) -> WebElement:
    return browser.switch_to.active_element


def test_facets_are_those_of_the_api(
    games: WebDriver, service: Service, catalogue_key: str
) -> None:
    facets = asked(service, catalogue_key, "facets")
    shown = shown_facets(games)
    assert list(shown) == [label for name, label in LABELS.items() if facets[name]]
    for name, label in LABELS.items():
        known = [
            [WORDS.get(each["value"], each["value"]), str(each["count"])] for each in facets[name]
        ]
        if known:
            assert [each for each in shown[label] if len(each) == 2] == known[:8]
    assert [f"{THEMES - 8} more"] in shown["Theme"]
    total(games, sum(each["count"] for each in facets["device"]))
    assert complaints(games) == []


def test_a_facet_adds_a_filter_and_takes_it_away_in_its_place(
    games: WebDriver, service: Service, catalogue_key: str
) -> None:
    games.execute_script(MARK)
    find(games, games, REELCO).click()
    total(games, GAMES // 3)
    assert games.current_url == f"{service.url}/console/games?provider=ReelCo"
    found = asked(service, catalogue_key, "games", provider="ReelCo", limit=50)["items"]
    assert names(games) == [each["name"] for each in found]
    assert shown_facets(games)["Provider"] == [["ReelCo", str(GAMES // 3)]]
    assert focused(games).get_attribute("id") == "provider-ReelCo"
    assert focused(games).get_attribute("aria-current") == "true"
    find(games, games, "#has_freespins-yes").click()
    total(games, 4)
    facets = asked(service, catalogue_key, "facets", provider="ReelCo", has_freespins="yes")
    assert shown_facets(games)["Category"] == [
        [each["value"], str(each["count"])] for each in facets["category"]
    ]
    find(games, games, REELCO).click()
    total(games, GAMES // 5)
    assert games.current_url == f"{service.url}/console/games?has_freespins=yes"
    assert games.execute_script(STAYS)
    assert complaints(games) == []


def test_one_goes_back_to_what_was_asked_for_before(games: WebDriver) -> None:
    find(games, games, REELCO).click()
    total(games, GAMES // 3)
    games.back()
    total(games, GAMES + 4)
    assert len(shown_facets(games)["Provider"]) == len(PROVIDERS)
    games.forward()
    total(games, GAMES // 3)
    assert "Overview" in find(games, games, "header nav").text
    assert complaints(games) == []


def test_all_values_of_a_facet_are_behind_more(games: WebDriver) -> None:
    find(games, games, "#theme-more").click()
    until(games, lambda: len(shown_facets(games)["Theme"]) == THEMES + 1, "all values")
    assert focused(games).text == "Fewer"
    click(games, find(games, games, "#theme-theme\\%2011"))
    total(games, GAMES // THEMES)
    click(games, find(games, games, "#without-theme"))
    total(games, GAMES + 4)
    click(games, find(games, games, "#theme-more"))
    until(games, lambda: len(shown_facets(games)["Theme"]) == 9, "the first values")


def test_a_part_of_the_name_is_looked_for_among_what_is_chosen(games: WebDriver) -> None:
    games.execute_script(MARK)
    find(games, games, REELCO).click()
    total(games, GAMES // 3)
    find(games, games, "#q").send_keys("NY 1", Keys.ENTER)
    total(games, 4)  # 10, 13, 16 and 19
    assert focused(games).get_attribute("id") == "q"
    click(games, find(games, games, "#without-q"))
    total(games, GAMES // 3)
    assert find(games, games, "#q").get_attribute("value") == ""
    assert games.execute_script(STAYS)
    find(games, games, "#q").send_keys("no such name", Keys.ENTER)
    said = until(games, lambda: find(games, games, "#found .empty").text, "what to do")
    assert "Take something away" in said
    click(games, find(games, games, "#without-q"))
    total(games, GAMES // 3)
    assert complaints(games) == []


def test_any_value_is_a_facet(games: WebDriver, service: Service) -> None:
    wanted = PROVIDERS[2]
    links = games.find_elements("css selector", "#facets a")
    next(each for each in links if each.text == wanted).click()
    total(games, GAMES // 3)
    assert find(games, games, "#without-provider bdi").text == f"Provider: {wanted}"
    assert focused(games).text.startswith(wanted)
    assert complaints(games) == []


def test_the_catalogue_needs_no_scripts(
    without_scripts: WebDriver, service: Service, catalogue_key: str
) -> None:
    without_scripts.get(f"{service.url}/console/games")
    find(without_scripts, without_scripts, REELCO).click()
    total(without_scripts, GAMES // 3)
    find(without_scripts, without_scripts, "#q").send_keys("01", Keys.ENTER)
    total(without_scripts, 1)
    assert "provider=ReelCo" in without_scripts.current_url
    link = without_scripts.find_element("partial link text", "beyond what chance allows")
    address = str(link.get_attribute("href"))
    without_scripts.get(address)
    assert LUCKY in find(without_scripts, without_scripts, "main").text


def test_on_a_telephone_what_narrows_down_is_folded_and_stays_as_it_was_left(
    games: WebDriver,
) -> None:
    with as_wide_as(games, 360):
        assert not find(games, games, REELCO).is_displayed()
        find(games, games, ".narrow-down summary").click()
        click(games, find(games, games, REELCO))
        total(games, GAMES // 3)
        assert find(games, games, REELCO).is_displayed()


def test_all_games_are_reached_page_by_page(
    games: WebDriver, service: Service, catalogue_key: str
) -> None:
    first = names(games)
    find(games, games, "a[rel=next]").click()
    until(games, lambda: "cursor=" in games.current_url and names(games), "the next page")
    every = asked(service, catalogue_key, "games", limit=1_000)["items"]
    assert [*first, *names(games)] == [each["name"] or each["game_id"] for each in every]
    click(games, find(games, games, REELCO))
    total(games, GAMES // 3)
    assert "cursor" not in games.current_url


def test_the_returns_beyond_chance_are_those_of_the_report(
    games: WebDriver, service: Service, catalogue_key: str
) -> None:
    beyond = "1 return is beyond what chance allows, in the last 30 days"
    summary = find(games, games, ".asking summary")
    until(games, lambda: summary.text == beyond, beyond)
    summary.click()
    report = find(games, games, ".asking .hint a")
    from_day = str(report.get_attribute("href")).partition("from=")[2].partition("&")[0]
    (row,) = asked(service, catalogue_key, "reports/rtp", **{"from": from_day, "beyond": 3})["rows"]
    (shown,) = next(rows for name, rows in tables(games).items() if "standard errors" in name)
    assert row["game_id"] == LUCKY
    assert shown[:3] == ["Lucky", "EUR", str(row["rounds"])]
    assert Decimal(shown[-1]) == Decimal(row["deviation"])
    click(games, report)
    until(games, lambda: "/console/reports/rtp" in games.current_url, "the report")
    assert LUCKY in find(games, games, "main").text


def test_the_returns_beyond_chance_are_not_looked_for_where_somebody_looks_for_games(
    service: Service, catalogue_key: str
) -> None:
    """A report of 30 days takes long, and tells the same whatever the list is narrowed down to."""
    with client_of(service) as client:
        enter(client, catalogue_key)
        assert 'hx-get="/console/games/beyond"' in client.get("/console/games").text
        narrowed = client.get("/console/games", params={"provider": "ReelCo"}).text
    assert "hx-get" not in narrowed
    assert "Which returns are beyond what chance allows" in narrowed


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("asked_for", [{"has_freespins": "<odd>"}, {"cursor": "odd"}])
def test_what_can_not_be_asked_for_is_named_and_can_be_taken_away(
    service: Service, catalogue_key: str, asked_for: dict[str, str], *, partial: bool
) -> None:
    (name,) = asked_for
    with client_of(service) as client:
        enter(client, catalogue_key)
        headers = {"hx-request": "true"} if partial else {}
        answer = client.get("/console/games", params=asked_for, headers=headers)
    assert answer.status_code == 422
    assert f"<code>{name}</code>" in answer.text
    assert "<odd>" not in answer.text
    assert ('id="without-has_freespins"' in answer.text) is (name == "has_freespins")


def test_games_are_reached_from_the_list_whatever_they_are_called(
    browser: WebDriver, service: Service, key: str, catalogue_key: str
) -> None:
    log_in(browser, service, key)
    complaints(browser)
    for any_id in HOSTILE_IDS:
        browser.get(f"{service.url}/console/games")
        links = browser.find_elements("css selector", "#found tbody th a")
        click(browser, next(each for each in links if each.get_property("textContent") == any_id))
        until(browser, lambda: "/console/games/game?" in browser.current_url, "the game")
        assert find(browser, browser, "h1 bdi").get_property("textContent") == any_id
    assert complaints(browser) == []
    log_in(browser, service, catalogue_key)
