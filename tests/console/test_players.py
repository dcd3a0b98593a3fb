"""Players, as somebody finds them."""

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from tests.browser import click, complaints, find, until
from tests.console.conftest import HOSTILE_IDS
from tests.console.visiting import shown_ids
from tests.http.service import Service
from tests.http.wire import EVENTS, body, item

pytestmark = pytest.mark.xdist_group("browser")

ROWS = "main tbody tr"
FIRST_LINES = """
const tops = (cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return [...range.getClientRects()].filter((each) => each.height).map((each) => each.top);
};
return [...arguments[0].cells].map((cell) => Math.min(...tops(cell)));
"""
WIDTHS = """
const width = (each) => each.getBoundingClientRect().width;
return Math.abs(width(arguments[0]) - width(arguments[0].firstElementChild));
"""
IDS = "return [...document.querySelectorAll('main tbody th bdi')].map((each) => each.textContent)"


@pytest.mark.parametrize("wanted", ["StQ-1", "adam_the_first", "ADAM"])
def test_who_looks_for_one_player_is_led_to_it(
    visitor: WebDriver, service: Service, wanted: str
) -> None:
    look_for(visitor, service, wanted)
    assert find(visitor, visitor, "h1").text == "adam_the_first"
    assert visitor.current_url == f"{service.url}/console/players/player?id=StQ-1"
    visitor.back()
    assert find(visitor, visitor, "h1").text == "Players"
    assert complaints(visitor) == []


def test_players_are_listed_by_filters_that_stay_in_the_form(
    visitor: WebDriver, service: Service, key: str
) -> None:
    visitor.get(f"{service.url}/console/players")
    Select(find(visitor, visitor, "#is_blocked")).select_by_visible_text("Yes")
    find(visitor, visitor, "main form").submit()
    until(visitor, lambda: "is_blocked=true" in visitor.current_url, "the answer")
    with service.client(key) as client:
        found = client.get("/api/v1/players", params={"is_blocked": True}).json()["items"]
    assert found
    assert visitor.execute_script(IDS) == [each["player_id"] for each in found]
    assert find(visitor, visitor, "#is_blocked").get_attribute("value") == "true"
    download = find(visitor, visitor, ".download").get_attribute("href")
    assert download == f"{service.url}/console/csv/v1/players?is_blocked=true"


def test_with_filters_an_id_is_named_beside_the_names(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/players?q=StQ-1&country=SE")
    assert find(visitor, visitor, ".note").text == "StQ-1 is the id of a player."
    assert "No other player fits this." in find(visitor, visitor, ".empty").text


@pytest.mark.parametrize("any_id", HOSTILE_IDS)
def test_a_player_is_found_by_the_id_whatever_it_is(
    visitor: WebDriver, service: Service, any_id: str
) -> None:
    visitor.get(f"{service.url}/console/players")
    field = find(visitor, visitor, "#q")
    visitor.execute_script("arguments[0].value = arguments[1]", field, any_id)
    find(visitor, visitor, "main form").submit()
    until(visitor, lambda: "/player?" in visitor.current_url, "the player")
    assert find(visitor, visitor, "h1").get_property("textContent") == any_id
    # The heading, and of the bet the game and the round.
    assert shown_ids(visitor).count(any_id) == 3
    assert visitor.title.startswith(" ".join(any_id.split())[:10])
    assert complaints(visitor) == []


def test_hostile_ids_stand_in_the_list_as_they_are(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/players")
    assert set(HOSTILE_IDS) <= set(shown_ids(visitor))
    for link in visitor.find_elements("css selector", f"{ROWS} th a"):
        assert str(link.get_attribute("href")).startswith(f"{service.url}/console/players/player?")


def test_where_nobody_fits_the_page_says_what_to_do(visitor: WebDriver, service: Service) -> None:
    look_for(visitor, service, "nobody is called so")
    assert "No player fits this." in find(visitor, visitor, ".empty").text
    click(visitor, find(visitor, visitor, ".reset"))
    until(visitor, lambda: visitor.find_elements("css selector", ROWS), "all players")


def test_a_filter_that_is_none_is_named_at_its_field(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/players?is_blocked=maybe&country=%00")
    assert "must be true or false" in find(visitor, visitor, "#is_blocked-fault").text
    assert "must not contain NUL" in find(visitor, visitor, "#country-fault").text
    assert len(complaints(visitor)) == 1  # that the answer is 422


def look_for(browser: WebDriver, service: Service, wanted: str) -> None:
    """Send the form that finds players."""
    browser.get(f"{service.url}/console/players")
    find(browser, browser, "#q").send_keys(wanted)
    find(browser, browser, "main form").submit()
    until(browser, lambda: browser.current_url != f"{service.url}/console/players", "the answer")


def test_in_a_row_with_many_tags_all_begins_on_one_line(
    visitor: WebDriver, service: Service, key: str
) -> None:
    tag_somebody(service, key, *(f"number {number}" for number in range(9)))
    visitor.get(f"{service.url}/console/players?tag=number+1")
    tops = visitor.execute_script(FIRST_LINES, find(visitor, visitor, ROWS))
    assert max(tops) - min(tops) < 4


def test_in_a_sentence_a_tag_is_as_wide_as_its_text(
    visitor: WebDriver, service: Service, key: str
) -> None:
    position = tag_somebody(service, key, "vip")
    visitor.get(f"{service.url}/console/log/event?position={position}")
    assert visitor.execute_script(WIDTHS, find(visitor, visitor, ".lead .several")) < 1


def tag_somebody(service: Service, key: str, *tags: str) -> int:
    """Give somebody new these tags; returns the position of that."""
    any_id = f"has {len(tags)} tags"
    with service.client(key) as client:
        sent = client.post(
            EVENTS, content=body(item("player", any_id, player_id=any_id, tags=tags))
        )
        position = int(sent.headers["log-position"])
        client.get("/api/v1/players", params={"at_least": position}).raise_for_status()
    return position
