"""Rounds, as somebody finds them."""

from decimal import Decimal

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from tests.browser import click, complaints, find, until
from tests.console.conftest import HOSTILE_IDS
from tests.console.visiting import shown_ids
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

ROWS = "main tbody tr"
CELLS = """
const rows = [...document.querySelectorAll("main tbody tr")];
return rows.map((row) => [...row.cells].map((each) => each.innerText));
"""
EXACT = "return [...document.querySelectorAll('main tbody data')].map((each) => each.value)"


def test_rounds_are_found_by_a_form_and_paged(
    visitor: WebDriver, service: Service, key: str
) -> None:
    visitor.get(f"{service.url}/console/rounds")
    Select(find(visitor, visitor, "#status")).select_by_visible_text("Open")
    find(visitor, visitor, "#player_id").send_keys("StQ-1")
    find(visitor, visitor, "main form").submit()
    until(visitor, lambda: "player_id=StQ-1" in visitor.current_url, "the answer")
    with service.client(key) as client:
        page = client.get("/api/v1/rounds?player_id=StQ-1&status=open&limit=50").json()
    rows = visitor.execute_script(CELLS)
    assert [row[3] for row in rows] == [each["round_id"] for each in page["items"]]
    assert {row[4] for row in rows} == {"Open"}
    assert find(visitor, visitor, "#player_id").get_attribute("value") == "StQ-1"
    assert complaints(visitor) == []


def test_all_rounds_are_reached_page_by_page(
    visitor: WebDriver, service: Service, key: str
) -> None:
    visitor.get(f"{service.url}/console/rounds")
    seen: list[tuple[str, ...]] = []
    while True:
        seen += [tuple(row[1:4]) for row in visitor.execute_script(CELLS)]
        following = visitor.find_elements("css selector", "a[rel=next]")
        if not following:
            break
        visitor.get(str(following[0].get_attribute("href")))
    with service.client(key) as client:
        every = client.get("/api/v1/rounds", params={"limit": 1_000}).json()["items"]
    assert len(seen) == len(every)
    assert len(set(seen)) == len({(r["player_id"], r["game_id"], r["round_id"]) for r in every})
    find(visitor, visitor, ".pager a").click()
    until(visitor, lambda: "cursor" not in visitor.current_url, "the first page")


def test_what_a_list_shows_is_what_the_api_says(
    visitor: WebDriver, service: Service, key: str
) -> None:
    visitor.get(f"{service.url}/console/rounds?player_id=5")
    with service.client(key) as client:
        found = client.get("/api/v1/rounds", params={"player_id": "5", "limit": 50}).json()["items"]
    shown = visitor.execute_script(EXACT)
    bets = [
        Decimal(s["bet_real"]) + Decimal(s["bet_bonus"]) for each in found for s in each["sums"]
    ]
    assert [Decimal(each) for each in shown[::3]] == bets
    nets = [
        Decimal(s["net_real"]) + Decimal(s["net_bonus"]) for each in found for s in each["sums"]
    ]
    assert [Decimal(each) for each in shown[2::3]] == nets


def test_a_time_that_is_none_is_named_at_its_field(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/rounds?from=yesterday&status=odd")
    assert "RFC 3339" in find(visitor, visitor, "#from-fault").text
    assert find(visitor, visitor, "#from").get_attribute("value") == "yesterday"
    assert "must be one of" in find(visitor, visitor, "#status-fault").text
    assert "marked" in find(visitor, visitor, "[role=alert]").text
    assert len(complaints(visitor)) == 1  # that the answer is 422


def test_where_no_round_fits_the_page_says_what_to_do(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/rounds?player_id=nobody")
    assert "No round fits this." in find(visitor, visitor, ".empty").text
    click(visitor, find(visitor, visitor, ".reset"))
    until(visitor, lambda: visitor.find_elements("css selector", ROWS), "all rounds")


@pytest.mark.parametrize("any_id", HOSTILE_IDS)
def test_a_round_is_reached_from_the_list_whatever_it_is_called(
    visitor: WebDriver, service: Service, any_id: str
) -> None:
    visitor.get(f"{service.url}/console/rounds")
    find_by_player = find(visitor, visitor, "#round_id")
    visitor.execute_script("arguments[0].value = arguments[1]", find_by_player, any_id)
    find(visitor, visitor, "main form").submit()
    until(visitor, lambda: visitor.find_elements("css selector", ROWS), "the round")
    click(visitor, find(visitor, visitor, f"{ROWS} td:nth-child(4) a"))
    until(visitor, lambda: "/console/rounds/round" in visitor.current_url, "the round's page")
    assert find(visitor, visitor, "h1 bdi").get_property("textContent") == any_id
    assert shown_ids(visitor).count(any_id) == 3  # the round, the player, the game
    assert complaints(visitor) == []
