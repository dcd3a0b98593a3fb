"""Conflicts, and what was left out of batches."""

import json
import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from selenium.webdriver.chrome.webdriver import WebDriver

from api.console.comparing import compare
from domain.json_values import same_value
from tests.browser import click, complaints, find, until
from tests.console.conftest import HOSTILE_IDS
from tests.console.visiting import client_of, enter, log_in
from tests.http.service import Service
from tests.http.wire import EVENTS, body, counts, item

pytestmark = pytest.mark.xdist_group("browser")

STANDS = (
    '{"unique_id": "c-1", "timestamp": "2025-01-15T12:00:00Z", "player_id": "StQ-1", "amount": 0.50,'
    ' "currency": "EUR", "method": "Card", "note": "\u00fc", "only": null}'
)
REFUSED = (
    '{"unique_id": "c-1", "timestamp": "2025-01-15T13:00:00+01:00", "player_id": "StQ-1", "amount": 0.5,'
    ' "currency": "SEK", "method": "Card", "note": "\\u00fc", "more": {"deep": [1, 2]}}'
)


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    """A tenant of this module's own, with conflicts and items that were left out."""
    service.new_tenant("disputed")
    with service.client(service.new_key("disputed", "ingest", "read", "audit")) as opened:
        for data in (STANDS, REFUSED):
            content = f'{{"items": [{{"event": "deposit", "data": {data}}}]}}'
            counts(opened.post(EVENTS, content=content.encode()))
        for number, any_id in enumerate(HOSTILE_IDS):
            for player in (f"p-{number}", any_id):
                sent = item("login", any_id, player_id=player)
                counts(opened.post(EVENTS, content=body(sent)))
        lenient = {"prefer": "handling=lenient"}
        for any_id in HOSTILE_IDS:
            wrong = item(any_id, any_id, player_id=any_id)
            assert opened.post(EVENTS, content=body(wrong), headers=lenient).is_success
        for _ in range(3):
            wrong = item("deposit", "wrong-1", player_id="StQ-1", amount="5", currency="EUR")
            assert opened.post(EVENTS, content=body(wrong), headers=lenient).is_success
        yield opened


@pytest.fixture(scope="module")
def clerk(browser: WebDriver, service: Service, client: httpx.Client) -> WebDriver:
    """A browser that is logged in there."""
    log_in(browser, service, client.headers["x-api-key"])
    return browser


def cells(browser: WebDriver, row: int | str) -> list[str]:
    selector = f"tbody tr:nth-child({row}) > *" if isinstance(row, int) else f"tr.{row} > *"
    return [each.text for each in browser.find_elements("css selector", selector)]


def test_a_conflict_is_found_and_shown_member_by_member(clerk: WebDriver, service: Service) -> None:
    clerk.get(f"{service.url}/console/conflicts")
    find(clerk, clerk, "#unique_id").send_keys("c-1\n")
    until(clerk, lambda: "unique_id=c-1" in clerk.current_url, "the answer")
    unique_id, differs, position, _ = cells(clerk, 1)
    assert (unique_id, position) == ("c-1", "1")
    assert differs.split("\n") == [
        'timestamp "2025-01-15T12:00:00Z" → "2025-01-15T13:00:00+01:00"',
        'currency "EUR" → "SEK"',
        "only null → absent",
        'more absent → {"deep": [1, 2]}',
    ]
    click(clerk, find(clerk, clerk, "tbody th a"))
    until(clerk, lambda: "/conflict?" in clerk.current_url, "the conflict")
    assert cells(clerk, "moment")[1:] == [
        '"2025-01-15T12:00:00Z"',
        '"2025-01-15T13:00:00+01:00"',
        "Same moment, other offset",
    ]
    spelled = [row.text for row in clerk.find_elements("css selector", "tr.spelled")]
    assert spelled == [
        "amount 0.50 0.5 Equal, written otherwise",
        'note "\u00fc" "\\u00fc" Equal, written otherwise',
    ]
    assert cells(clerk, "differs") == ["currency", '"EUR"', '"SEK"', "Differs"]
    assert cells(clerk, "missing") == ["only", "null", "absent", "Only in what stands"]
    assert cells(clerk, "added")[1:] == [
        "absent",
        '{"deep": [1, 2]}',
        "Only in what was not recorded",
    ]
    sent = [each.get_property("textContent") for each in clerk.find_elements("css selector", "pre")]
    assert sent == [STANDS, REFUSED]
    click(clerk, find(clerk, clerk, "main p a[href*=event]"))
    until(clerk, lambda: clerk.current_url.endswith("/log/event?position=1"), "what stands")
    assert not complaints(clerk)


def test_conflicts_are_found_by_when_they_were_refused(clerk: WebDriver, service: Service) -> None:
    clerk.get(f"{service.url}/console/conflicts?from=2025-01-15")
    count = len(clerk.find_elements("css selector", "tbody tr"))
    assert count == 1 + len(HOSTILE_IDS)
    clerk.get(f"{service.url}/console/conflicts?to=2025-01-16T00:00")
    assert find(clerk, clerk, ".empty").text


def test_hostile_conflicts_are_shown_as_they_are(
    clerk: WebDriver, service: Service, client: httpx.Client
) -> None:
    clerk.get(f"{service.url}/console/conflicts")
    links = clerk.find_elements("css selector", "tbody th a")
    named = [each.get_property("textContent") for each in links]
    assert named == [each["unique_id"] for each in client.get("/api/v1/conflicts").json()["items"]]
    assert {*HOSTILE_IDS} <= {*named}
    for address in [each.get_attribute("href") for each in links]:
        clerk.get(str(address))
        assert find(clerk, clerk, "tr.differs th").text == "player_id" or "c-1" in str(address)
    assert not complaints(clerk)


def test_what_was_left_out_is_shown_with_its_faults(
    clerk: WebDriver, service: Service, client: httpx.Client
) -> None:
    clerk.get(f"{service.url}/console/conflicts")
    click(clerk, find(clerk, clerk, ".registers a:last-child"))
    until(clerk, lambda: clerk.current_url.endswith("/refused"), "the register")
    newest = clerk.find_elements("css selector", "article")[0]
    assert find(clerk, newest, "h2").text == "deposit wrong-1"
    assert "3 times" in newest.text
    found = client.get("/api/v1/refused").json()["items"]
    assert [each.text for each in newest.find_elements("css selector", "li")] == [
        f"{fault['pointer']} {fault['detail']}" for fault in found[0]["errors"]
    ]
    headings = [
        each.get_property("textContent") for each in clerk.find_elements("css selector", "h2")
    ]
    assert headings == [f"{each['event']} {each['unique_id']}" for each in found]
    find(clerk, clerk, "#player_id").send_keys("StQ-1\n")
    until(clerk, lambda: "player_id=StQ-1" in clerk.current_url, "the answer")
    assert len(clerk.find_elements("css selector", "article")) == 1
    assert not complaints(clerk)


def test_an_event_leads_to_the_conflict_about_its_id(clerk: WebDriver, service: Service) -> None:
    clerk.get(f"{service.url}/console/log/event?position=1")
    click(clerk, find(clerk, clerk, "main .note a[href*=conflict]"))
    until(clerk, lambda: "/conflict?" in clerk.current_url, "the conflict")
    assert find(clerk, clerk, "h1").text == "c-1"
    assert not complaints(clerk)


def test_an_event_without_a_conflict_and_a_key_that_may_not_see_them_lead_to_none(
    service: Service, client: httpx.Client
) -> None:
    auditing = service.new_key("disputed", "audit")
    undisputed = client.post(EVENTS, content=body(item("login", "undisputed", player_id="StQ-1")))
    with client_of(service) as clerk, client_of(service) as auditor:
        enter(clerk, client.headers["x-api-key"])
        enter(auditor, auditing)
        for visitor, at in ((clerk, undisputed.headers["log-position"]), (auditor, 1)):
            page = visitor.get("/console/log/event", params={"position": at})
            assert page.status_code == 200
            assert "/console/conflicts/conflict" not in page.text


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("conflicts?unique_id=c-1", "conflicts?unique_id=c-1"),
        ("conflicts/conflict?unique_id=c-1", "conflicts?unique_id=c-1"),
        (
            "conflicts/refused?player_id=StQ-1&from=2025-01-15",
            "refused?player_id=StQ-1&from=2025-01-15",
        ),
    ],
)
def test_what_a_page_lists_is_there_as_a_file(
    page: str, path: str, service: Service, client: httpx.Client
) -> None:
    with client_of(service) as clerk:
        enter(clerk, client.headers["x-api-key"])
        [link] = re.findall(r'class="download" href="([^"]+)"', clerk.get(f"/console/{page}").text)
        file = clerk.get(unescape(link))
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text == client.get(f"/api/v1/{path}", headers={"accept": "text/csv"}).text


def test_a_filter_that_is_none_is_named_at_its_field(clerk: WebDriver, service: Service) -> None:
    for page, name in (
        ("conflicts?from_position=x", "from_position"),
        ("conflicts/refused?to=x", "to"),
    ):
        clerk.get(f"{service.url}/console/{page}")
        field = find(clerk, clerk, f"#{name}")
        said = find(clerk, clerk, f"#{field.get_attribute('aria-describedby')}").text
        assert find(clerk, clerk, "main").text.count(said) == 1
    complaints(clerk)  # that the answers are 422


def test_refused_is_no_word_of_the_pages(clerk: WebDriver, service: Service) -> None:
    """It would be one for two: conflicts, and items that are left out."""
    for page in ("conflicts", "conflicts/conflict?unique_id=c-1", "conflicts/refused"):
        clerk.get(f"{service.url}/console/{page}")
        headings = clerk.find_elements(
            "css selector", "h1, h2, nav, main > p, th, label, section, summary"
        )
        said = " ".join(each.text for each in headings)
        assert "refus" not in said.lower()


def test_where_there_is_nothing_the_page_says_what_that_means(
    clerk: WebDriver, service: Service
) -> None:
    for page in (
        "conflicts?unique_id=none",
        "conflicts/conflict?unique_id=none",
        "conflicts/refused?event=x",
    ):
        clerk.get(f"{service.url}/console/{page}")
        assert find(clerk, clerk, ".empty .hint").text
    complaints(clerk)  # that one of them is 404


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3),
)
_objects = st.dictionaries(st.text(max_size=3), _values, max_size=5)


@given(_objects, _objects, st.booleans())
def test_two_contents_differ_where_a_member_does(
    one: dict[str, object], other: dict[str, object], close: bool
) -> None:
    """As `same_value` says, by which they are a conflict or none."""
    other = {**one, **other} if close else other
    texts = json.dumps(one), json.dumps(other, ensure_ascii=False, indent=1)
    members = compare(*(Raw(text.encode()) for text in texts))
    assert [each.name for each in members] == [*{**one, **other}]
    equal = all(each.how in {"same", "spelled"} for each in members)
    assert equal == same_value(*(text.encode() for text in texts))
    for each in members:
        assert (each.recorded is None, each.unrecorded is None) == (
            each.name not in one,
            each.name not in other,
        )
