"""A player, as somebody looks at one: what happened in words, balances and profile, now and in the past."""

import re
from html import unescape

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from tests.browser import click, complaints, find, until
from tests.console.told import FAST, PLAYER, SENTENCES, TOLD, at, whose
from tests.console.visiting import client_of, enter, log_in
from tests.http.service import Service, roundbook
from tests.http.wire import EVENTS, body, counts, item, login

pytestmark = pytest.mark.xdist_group("browser")

TENANT = "told"
FAST_TRACK = "/api/v1/integrations/fasttrack/bulk"
MANY = 60
UNKNOWN = "\N{EN DASH}"
BALANCES = """
const table = document.querySelector("#balances + .table");
return [...table.querySelectorAll("data")].map((each) => each.value);
"""
OVER_TIME = "return [...document.querySelectorAll('.plot data')].map((each) => each.value)"
PLOTTED = """
const data = document.querySelector(".plot script").textContent;
return JSON.parse(data).series;
"""
PROFILE = """
const rows = document.querySelectorAll("#profile + .table tbody tr");
return Object.fromEntries([...rows].map((row) => [row.cells[0].innerText, row.cells[1].innerText]));
"""
TAG = re.compile(r"<[^>]+>")
WORDS = re.compile(r'<span class="words">(.*?)</span></td>', re.DOTALL)
DOWNLOADS = re.compile(r'class="download" href="([^"]+)"')
TIMELINE = "return [...document.querySelectorAll('main .words')].map((each) => each.innerText)"


@pytest.fixture(scope="module")
def told_key(service: Service) -> str:
    """A key of a tenant with a player of whom there is an event of each kind."""
    service.new_tenant(TENANT)
    made = service.new_key(TENANT, "ingest", "read", "audit")
    named = item("game", "g1", game_id="g", name="Book of X")
    own = [whose(event, hour) for hour, (event, _) in enumerate(TOLD)]
    erased = [login("gone-1", player_id="gone"), item("player", "gone-2", player_id="gone")]
    many = [login(f"many-{number}", player_id="many") for number in range(MANY)]
    with service.client(made) as client:
        counts(client.post(EVENTS, content=body(named, *own)))
        counts(client.post(FAST_TRACK, content=body(*(event for event, _ in FAST))))
        last = client.post(EVENTS, content=body(*erased, *many))
        counts(last)
        roundbook("erase", TENANT, "gone", "--reason", "asked <b>", settings=service.settings)
        shown = {"at_least": last.headers["log-position"]}
        client.get("/api/v1/players", params=shown).raise_for_status()
    return made


@pytest.fixture(scope="module")
def reader(browser: WebDriver, service: Service, told_key: str) -> WebDriver:
    """The browser of somebody who sees that player."""
    log_in(browser, service, told_key)
    return browser


def test_every_event_is_told_in_words_the_newest_first(reader: WebDriver, service: Service) -> None:
    show(reader, service)
    assert timeline(reader) == SENTENCES[::-1]
    assert complaints(reader) == []


def test_a_sentence_leads_to_its_event_and_its_round(reader: WebDriver, service: Service) -> None:
    show(reader, service, event="rollback")
    row = find(reader, reader, "#timeline ~ .table tbody tr")
    links = [str(each.get_attribute("href")) for each in row.find_elements("css selector", "a")]
    assert links == [
        f"{service.url}/console/games/game?id=g",
        f"{service.url}/console/rounds/round?player_id=p+1%2F%C3%A4&game_id=g&round_id=r1",
        f"{service.url}/console/log/event?position=8",
    ]
    reader.get(links[1])
    assert find(reader, reader, "h1").text == "Round r1"


def test_the_timeline_is_filtered_by_kind_and_time(reader: WebDriver, service: Service) -> None:
    show(reader, service)
    Select(find(reader, reader, "#event")).select_by_visible_text("Bets and wins")
    set_to(reader, "#from", "2025-01-15T04:00")
    set_to(reader, "#to", "2025-01-15T05:00")
    click(reader, reader.find_elements("css selector", "#timeline ~ form button")[0])
    until(reader, lambda: "event=gameround" in reader.current_url, "the answer")
    assert timeline(reader) == [SENTENCES[4]]
    assert reader.current_url.endswith("#timeline")
    assert find(reader, reader, "#from").get_attribute("value") == "2025-01-15T04:00"
    assert complaints(reader) == []


def test_a_long_timeline_is_walked_page_by_page(reader: WebDriver, service: Service) -> None:
    show(reader, service, "many")
    seen = 0
    while True:
        seen += len(timeline(reader))
        following = reader.find_elements("css selector", "a[rel=next]")
        if not following:
            break
        reader.get(str(following[0].get_attribute("href")))
    assert seen == MANY
    click(reader, find(reader, reader, ".pager a"))
    until(reader, lambda: "cursor" not in reader.current_url, "the first page")


def test_what_was_erased_is_said_to_be_and_leads_to_the_record(
    reader: WebDriver, service: Service
) -> None:
    show(reader, service, "gone")
    record, *erased = timeline(reader)
    assert record.startswith("Erased by ")
    assert record.endswith("because: asked <b>")
    assert erased == ["An update of the profile that was erased", "A login that was erased"]


def test_balances_and_the_profile_are_those_of_the_api(
    reader: WebDriver, service: Service, told_key: str
) -> None:
    show(reader, service)
    assert reader.execute_script(BALANCES) == balances(service, told_key)
    assert reader.execute_script(PROFILE) == {
        "Name": UNKNOWN,
        "Registered": UNKNOWN,
        "Country": UNKNOWN,
        "Currency": UNKNOWN,
        "Gender": UNKNOWN,
        "Affiliate": UNKNOWN,
        "Operator": UNKNOWN,
        "Tags": "a, b",
        "Consent to e-mail": "yes",
        "Blocked": "yes",
    }
    counted = find(reader, reader, "#balances + .table tbody tr:first-child th").text
    assert counted == "EUR\nBets: 3, of which taken back: 1\nWins: 1"
    by = reader.find_elements("css selector", "#profile + .table tbody tr:nth-child(8) a")
    assert [each.text for each in by] == ["u1"]
    assert str(by[0].get_attribute("href")).endswith("/console/log/event?position=2")


def test_the_plot_is_of_what_the_api_says_of_the_balance_over_time(
    reader: WebDriver, service: Service, told_key: str
) -> None:
    show(reader, service, currency="EUR")
    with service.client(told_key) as client:
        asked = {"player_id": PLAYER, "currency": "EUR"}
        points = client.get("/api/v1/balances/history", params=asked).json()["points"]
    exact = [each for point in points for each in (point["real"], point["bonus"])]
    assert reader.execute_script(OVER_TIME) == exact
    assert reader.execute_script(PLOTTED) == [
        {"label": kind.title(), "values": [float(each[kind]) for each in points], "stepped": True}
        for kind in ("real", "bonus")
    ]
    assert find(reader, reader, ".plot canvas").is_displayed()
    click(reader, reader.find_elements("css selector", ".ways[aria-label] a")[1])
    until(reader, lambda: "currency=SEK" in reader.current_url, "the other currency")
    assert "SEK" in find(reader, reader, "figcaption").text
    assert complaints(reader) == []


def test_the_page_of_a_time_shows_what_had_happened_by_then(
    reader: WebDriver, service: Service, told_key: str
) -> None:
    show(reader, service)
    click(reader, find(reader, reader, ".asking summary"))
    set_to(reader, "#as_of", "2025-01-15T05:00")
    click(reader, find(reader, reader, ".asking button"))
    until(reader, lambda: "as_of=2025" in reader.current_url, "the past")
    assert "2025-01-15 05:00:00" in find(reader, reader, ".past").text
    assert timeline(reader) == SENTENCES[5::-1]
    assert reader.execute_script(BALANCES) == balances(service, told_key, as_of=at(5))
    profile = reader.execute_script(PROFILE)
    assert profile["Name"] == "set again since: updates by then"
    assert profile["Tags"] == "a, b"
    click(reader, find(reader, reader, "#profile + .table tr:first-child td:nth-child(2) a"))
    until(reader, lambda: timeline(reader) == [SENTENCES[0]], "the updates by then")
    click(reader, find(reader, reader, ".past a"))
    until(reader, lambda: not reader.find_elements("css selector", ".past"), "the present")
    assert complaints(reader) == []


def test_the_page_of_a_position_shows_what_the_log_told(
    reader: WebDriver, service: Service, told_key: str
) -> None:
    show(reader, service, at_position=5)
    assert "up to event 5" in find(reader, reader, ".past").text
    assert timeline(reader) == SENTENCES[3::-1]
    assert reader.execute_script(BALANCES) == balances(service, told_key, at_position=5)
    assert reader.execute_script(PROFILE)["Name"] == "Ann"


@pytest.mark.parametrize(
    ("member", "when"), [("as_of", "2025-01-14T23:59:59Z"), ("at_position", "1")]
)
def test_before_a_player_was_known_there_is_nothing(
    reader: WebDriver, service: Service, member: str, when: str
) -> None:
    show(reader, service, PLAYER, **{member: when})
    assert "Nothing was known of this player then." in find(reader, reader, ".empty").text
    click(reader, find(reader, reader, ".past a"))
    until(reader, lambda: timeline(reader), "the present")


@pytest.mark.parametrize(
    ("field", "given", "fault"),
    [
        ("as_of", "noon", "RFC 3339"),
        ("at_position", "last", "must be an integer"),
        ("at_position", "999999", "head"),
        ("event", "nothing", "must be one of"),
        ("from", "2025-02-30", "RFC 3339"),
    ],
)
def test_what_cannot_be_asked_for_is_named_at_its_field(
    reader: WebDriver, service: Service, field: str, given: str, fault: str
) -> None:
    show(reader, service, PLAYER, **{field: given})
    assert fault in find(reader, reader, f"#{field}-fault").text
    assert "marked" in find(reader, reader, "[role=alert]").text
    assert find(reader, reader, "h1").text == PLAYER
    if field != "event":
        assert find(reader, reader, f"#{field}").get_attribute("value") == given
    complaints(reader)


def test_both_pasts_at_once_are_refused(reader: WebDriver, service: Service) -> None:
    show(reader, service, as_of=at(5), at_position=5)
    assert "as_of" in find(reader, reader, "main").text
    complaints(reader)


@pytest.mark.parametrize(
    ("player_id", "fault"), [("\0", "must not contain NUL"), ("x" * 256, "at most 255")]
)
def test_what_is_no_id_is_said_to_be_none(
    reader: WebDriver, service: Service, player_id: str, fault: str
) -> None:
    show(reader, service, player_id)
    assert find(reader, reader, "h1").text == "Some parameters are invalid"
    assert fault in find(reader, reader, "[role=alert]").text
    complaints(reader)


def test_a_player_whom_nothing_names_is_not_there(reader: WebDriver, service: Service) -> None:
    show(reader, service, "nobody")
    assert "No event names a player with this id." in find(reader, reader, ".empty").text
    assert len(complaints(reader)) == 1  # that the answer is 404


def test_who_may_not_see_the_log_is_told_so_and_sees_the_rest(
    browser: WebDriver, service: Service, told_key: str
) -> None:
    log_in(browser, service, service.new_key(TENANT, "read"))
    show(browser, service)
    assert browser.execute_script(BALANCES) == balances(service, told_key)
    assert timeline(browser) == []
    assert "scope audit" in find(browser, browser, ".empty").text
    assert browser.find_elements("css selector", "a[href*='/console/log/']") == []
    log_in(browser, service, told_key)


def test_without_scripts_all_of_it_is_in_the_page(service: Service, told_key: str) -> None:
    with client_of(service) as client:
        enter(client, told_key)
        page = client.get("/console/players/player", params={"id": PLAYER, "as_of": at(5)})
        assert page.status_code == 200
        said = [" ".join(TAG.sub("", each).split()) for each in WORDS.findall(page.text)]
        assert [unescape(each) for each in said] == SENTENCES[5::-1]
        assert page.text.count('<details class="same" open>') == 1
        for path in (unescape(each) for each in DOWNLOADS.findall(page.text)):
            file = client.get(path)
            assert file.status_code == 200, path
            assert file.text, path
            assert at(6) not in file.text


def show(browser: WebDriver, service: Service, player_id: str = PLAYER, **asked: object) -> None:
    """Open the page of a player."""
    query = httpx.QueryParams({"id": player_id, **{name: str(v) for name, v in asked.items()}})
    browser.get(f"{service.url}/console/players/player?{query}")


def timeline(browser: WebDriver) -> list[str]:
    """What the page says of each event."""
    said: list[str] = browser.execute_script(TIMELINE)
    return said


def set_to(browser: WebDriver, selector: str, moment: str) -> None:
    """Fill in a moment, as its picker does: what its parts are depends on the browser's language."""
    field = find(browser, browser, selector)
    browser.execute_script("arguments[0].value = arguments[1]", field, moment)


def balances(service: Service, key: str, **when: object) -> list[str]:
    """The figures of the player by the API, in the order of the page."""
    with service.client(key) as client:
        asked = {"player_id": PLAYER, **{name: str(v) for name, v in when.items()}}
        found = client.get("/api/v1/balances", params=asked).json()["items"]
    members = ("real", "deposited", "withdrawn", "bet_real", "win_real")
    of_bonus = ("bonus", "bet_bonus", "win_bonus")
    return [balance[name] for balance in found for name in (*members, *of_bonus)]


def test_long_tags_break_as_a_text_does(reader: WebDriver, service: Service, told_key: str) -> None:
    tags = ["vip", "plays on Sundays and never for more than an hour at a time", "w" * 255]
    with service.client(told_key) as client:
        head = client.post(
            EVENTS, content=body(item("player", "tagged", player_id="tagged", tags=tags))
        ).headers["log-position"]
        client.get("/api/v1/players", params={"at_least": head}).raise_for_status()
    reader.get(f"{service.url}/console/players/player?id=tagged")
    lines = [
        reader.execute_script(
            "return [...arguments[0].getClientRects()].map((each) => each.top)", shown
        )
        for shown in reader.find_elements("css selector", "#profile + .table .several bdi")
    ]
    assert len(lines) == len(tags)
    assert lines[0] == lines[1][:1]
    assert len(lines[1]) > 1
    assert len(lines[2]) > 1
    assert reader.execute_script(PROFILE)["Tags"] == ", ".join(tags)
