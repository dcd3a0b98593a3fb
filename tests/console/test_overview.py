"""The overview: how things are now, and how a day went."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys

from app.log.recorder import TenantLog
from app.tenants import find_tenant
from postgres.connections import open_pool
from tests.browser import click, complaints, find, until
from tests.console.visiting import client_of, enter, log_in, tables
from tests.http.service import Service, eventually
from tests.http.wire import EVENTS, bet, body, counts, login

pytestmark = pytest.mark.xdist_group("browser")

MINUS, NONE = "\N{MINUS SIGN}", "\N{EN DASH}"
THE_DAY = "2025-01-15"
MOST_COUNTED = 1_000
BESIDE = "This day beside the same day a week before, "
BY_DAY = "By gaming day, the last one first"
PLOTS = """
return [...document.querySelectorAll("#plots ~ .beside script")].map(
  (script) => JSON.parse(script.textContent))
"""
DRAWN = "return document.querySelectorAll('#plots ~ .beside canvas').length"


@pytest.fixture(scope="module")
def another(service: Service) -> str:
    """Another tenant, in which two Wednesdays were played."""
    service.new_tenant("overview")
    key = service.new_key("overview", "ingest", "read", "audit")
    wednesdays = [
        bet("b-1", timestamp="2025-03-05T12:00:00Z", amount=4, round_id="1"),
        bet("w-1", timestamp="2025-03-05T12:00:01Z", amount=1, round_id="1", is_win=True),
        bet("b-2", timestamp="2025-03-12T12:00:00Z", amount=10, round_id="2"),
        bet("w-2", timestamp="2025-03-12T12:00:01Z", amount=12.5, round_id="2", is_win=True),
        bet("b-3", timestamp="2025-03-12T13:00:00Z", amount=300, round_id="3", currency="JPY"),
    ]
    with service.client(key) as client:
        answer = client.post(EVENTS, content=body(*wednesdays))
        counts(answer)
        head = answer.headers["log-position"]
        client.get("/api/v1/activity", params={"at_least": head}).raise_for_status()
    return key


@contextmanager
def as_another(visitor: WebDriver, service: Service, another: str, key: str) -> Iterator[WebDriver]:
    """The visitor's browser, logged in with another key."""
    log_in(visitor, service, another)
    try:
        yield visitor
    finally:
        log_in(visitor, service, key)


@pytest.fixture
def theirs(visitor: WebDriver, service: Service, key: str, another: str) -> Iterator[WebDriver]:
    """The browser of somebody who is logged in for the other tenant."""
    with as_another(visitor, service, another, key) as browser:
        yield browser


@contextmanager
def without_scripts(browser: WebDriver) -> Iterator[None]:
    """Show pages as to somebody whose browser runs no scripts."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def head_of(service: Service, key: str) -> str:
    """What the API says how far the log is, as people read it."""
    with service.client(key) as client:
        return f"{client.get('/api/v1/status').json()['log_position']:,}"


def facts(browser: WebDriver) -> str:
    """What stands about the log; it is replaced again and again, so look by `until`."""
    return find(browser, browser, "[data-at] .facts").text


def test_the_overview_shows_the_head_of_the_log(
    visitor: WebDriver, service: Service, key: str
) -> None:
    visitor.get(f"{service.url}/console")
    told = f"Events in the log\n{head_of(service, key)}\n"
    until(visitor, lambda: told in facts(visitor), "the head")
    assert not complaints(visitor)


def test_a_day_is_what_the_api_says_it_was(visitor: WebDriver, service: Service, key: str) -> None:
    visitor.get(f"{service.url}/console?day={THE_DAY}&currency=SEK")
    with service.client(key) as api:
        asked = {"from": THE_DAY, "to": "2025-01-16", "group_by": "currency"}
        said = {
            each["currency"]: each
            for each in api.get("/api/v1/activity", params=asked).json()["items"]
        }
    shown = {row[0]: row for row in tables(visitor)[BESIDE + "2025-01-08"]}
    assert set(shown) == set(said)
    for currency, each in said.items():
        revenue = Decimal(each["ggr_real"]) + Decimal(each["ggr_bonus"])
        assert amount(shown[currency][1]) == revenue
        assert shown[currency][3] == f"{Decimal(each['rtp']) * 100:,.2f} %"
        assert amount(shown[currency][7]) == each["rounds"]
        assert shown[currency][2::2] == ["0.00", NONE, "0.00", "0"]
    days = tables(visitor)[BY_DAY]
    assert len(days) == 28
    assert days[0][0] == THE_DAY
    assert days[0][1] == shown["SEK"][1]
    assert {tuple(row[1:]) for row in days[1:]} == {("0.00", NONE, "0.00", "0.00", "0")}


def amount(written: str) -> Decimal:
    return Decimal(written.replace(",", "").replace(MINUS, "-"))


def test_a_day_stands_beside_the_same_day_a_week_before(
    theirs: WebDriver, service: Service
) -> None:
    theirs.get(f"{service.url}/console?day=2025-03-12")
    assert tables(theirs)[BESIDE + "2025-03-05"] == [
        ["EUR", f"{MINUS}2.50", "3.00", "125.00 %", "25.00 %", "10.00", "4.00", "1", "1"],
        ["JPY", "300", "0", "0.00 %", NONE, "300", "0", "1", "0"],
    ]
    revenue, rtp = theirs.execute_script(PLOTS)
    assert revenue["days"] == rtp["days"]
    assert (revenue["days"][0], revenue["days"][-1]) == ("2025-02-13", "2025-03-12")
    assert [each for each in revenue["series"][0]["values"] if each] == [3, -2.5]
    assert [each for each in rtp["series"][0]["values"] if each is not None] == [25, 125]
    until(theirs, lambda: theirs.execute_script(DRAWN) == 2, "the plots")
    click(theirs, theirs.find_element("link text", "JPY"))
    until(theirs, lambda: "JPY by day" in find(theirs, theirs, "#plots").text, "the other currency")
    click(theirs, theirs.find_element("link text", "The day before"))
    until(theirs, lambda: "2025-03-11" in find(theirs, theirs, "#shown").text, "the day before")
    assert "currency=JPY" in theirs.current_url
    assert not complaints(theirs)


def test_a_day_without_activity_says_what_to_do(theirs: WebDriver, service: Service) -> None:
    theirs.get(f"{service.url}/console")
    assert find(theirs, theirs, "#shown").text == "Today"
    assert "Choose another day" in find(theirs, theirs, ".empty").text
    theirs.get(f"{service.url}/console?day=2025-03-12&currency=SEK")
    assert "Nothing was played in SEK" in find(theirs, theirs, ".empty").text
    assert "SEK" in find(theirs, theirs, "option[selected]").text


def test_a_day_is_chosen_with_the_form(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console")
    find(visitor, visitor, "#day").send_keys("01152025", Keys.ENTER)
    until(visitor, lambda: f"day={THE_DAY}" in visitor.current_url, "the day")
    assert find(visitor, visitor, "#shown").text == THE_DAY


@pytest.mark.parametrize("day", ["yesterday", "2025-02-30", "0001-01-01", "9999-12-31", "<b>"])
def test_what_is_no_day_is_a_fault_at_the_field(service: Service, key: str, day: str) -> None:
    with client_of(service) as client:
        enter(client, key)
        answer = client.get("/console", params={"day": day})
    assert answer.status_code == 422
    assert 'id="day-fault">must be a date like 2025-01-15' in answer.text
    assert day not in answer.text or "<" not in day


def test_the_overview_goes_on_by_itself(theirs: WebDriver, service: Service, another: str) -> None:
    with service.client(another) as client:
        before = client.get("/api/v1/status").json()["log_position"]
        counts(client.post(EVENTS, content=body(*(login(f"l-{n}") for n in range(50)))))
    until(
        theirs,
        lambda: theirs.find_element("css selector", ".facts dd").text == str(before + 50),
        "the events that were sent",
    )
    rate = until(theirs, lambda: find(theirs, theirs, ".rate dd").text, "events per second")
    assert float(rate) > 0
    until(
        theirs,
        lambda: len(theirs.find_elements("css selector", ".history canvas")) == 2,
        "the plots of what was seen",
    )
    click(theirs, find(theirs, theirs, ".history summary"))
    seen = tables(theirs)["What was seen, the last first"]
    assert all(float(row[1]) >= 0 and float(row[2]) >= 0 for row in seen)
    assert not complaints(theirs)


def test_what_is_counted_in_and_sealed_is_said_in_plain_words(
    theirs: WebDriver, service: Service, another: str
) -> None:
    with service.client(another) as client:
        eventually(lambda: sealed(client.get("/api/v1/status").json()))
    theirs.get(f"{service.url}/console")
    until(theirs, lambda: "Shown by queries\nall events\n" in facts(theirs), "what is shown")
    until(theirs, lambda: "Signed and sealed\nall events\n" in facts(theirs), "what is sealed")


def sealed(status: dict[str, Any]) -> bool:
    whole: bool = status["evidence"]["size"] == status["log_position"]
    return whole and not any(each["lag_events"] for each in status["projections"])


def test_the_overview_needs_no_scripts(visitor: WebDriver, service: Service, key: str) -> None:
    with without_scripts(visitor):
        visitor.get(f"{service.url}/console?day={THE_DAY}")
        text = find(visitor, visitor, "main").text
    assert f"Events in the log\n{head_of(service, key)}\n" in text
    assert "Gross gaming revenue" in text
    assert "While this page is open" not in text
    assert "Events per second" not in text


def test_read_models_that_stand_still_are_told_with_the_position_and_what_to_do(
    visitor: WebDriver, service: Service, key: str
) -> None:
    service.new_tenant("ill")
    theirs = service.new_key("ill", "ingest", "read", "audit")
    with open_pool(service.store_url, max_size=1) as pool:
        with pool.connection() as connection:
            log = TenantLog(pool, find_tenant(connection, "ill").tenant_id)
        log.insert_events([StoredEvent("player:p", 1, "BetPlaced.v2", b"{}")])
    with service.client(theirs) as client:
        status = "/api/v1/status"
        eventually(lambda: bool(client.get(status).json()["projections"][0]["failure"]))
    with as_another(visitor, service, theirs, key):
        said = until(visitor, lambda: find(visitor, visitor, "[role=alert]").text, "the alert")
        until(visitor, lambda: "all but 1" in facts(visitor), "what is shown")
    assert "stand still before position 1" in said
    assert "BetPlaced.v2" in said
    assert "Nothing is lost" in said


def test_what_an_auditor_looks_at_is_counted_of_a_day(
    visitor: WebDriver, service: Service, key: str
) -> None:
    visitor.get(f"{service.url}/console?day={THE_DAY}")
    until(visitor, lambda: "Show" not in visitor.find_element("id", "told").text, "the counts")
    with service.client(key) as api:
        for fact in visitor.find_elements("css selector", "#told .facts > div"):
            link = find(visitor, fact, "a")
            report = str(link.get_attribute("href")).replace("/console/", "/api/v1/")
            assert link.text == f"{len(api.get(report).json()['rows']):,}"
    labels = [each.text for each in visitor.find_elements("css selector", "#told dt")]
    assert labels == ["Conflicts", "Items left out", f"Late items of {THE_DAY}"]
    late = visitor.find_elements("css selector", "#told a")[2]
    assert int(late.text) > 0
    click(visitor, late)
    until(visitor, lambda: "Significant" in visitor.title, "what was late")
    assert len(tables(visitor)) == 1


def test_conflicts_of_today_are_counted_as_they_come(
    theirs: WebDriver, service: Service, another: str
) -> None:
    first, again = bet("conflict-of-today"), bet("conflict-of-today", amount=2)
    with service.client(another) as client:
        counts(client.post(EVENTS, content=body(first)))
        counts(client.post(EVENTS, content=body(again)))
        [met] = client.get("/api/v1/conflicts").json()["items"]
    theirs.get(f"{service.url}/console?day={met['received_at'][:10]}")
    until(theirs, lambda: "Show" not in theirs.find_element("id", "told").text, "the counts")
    assert theirs.find_elements("css selector", "#told a")[0].text == "1"


def test_a_day_that_still_runs_says_until_when_it_counts_beside_whole_days(
    visitor: WebDriver, service: Service, key: str
) -> None:
    service.new_tenant("running")
    theirs = service.new_key("running", "ingest", "read")
    now = datetime.now(UTC)
    days = [now - timedelta(7), now]
    bets = [bet(f"b-{day:%d}", timestamp=day.isoformat(), round_id=f"{day:%d}") for day in days]
    with service.client(theirs) as client:
        head = client.post(EVENTS, content=body(*bets)).headers["log-position"]
        client.get("/api/v1/activity", params={"at_least": head}).raise_for_status()
    with as_another(visitor, service, theirs, key):
        visitor.get(f"{service.url}/console?day={now:%F}")
        told = find(visitor, visitor, "#shown ~ .hint").text
        shown = tables(visitor)
        heads = [each.text for each in visitor.find_elements("css selector", "thead th")]
        visitor.get(f"{service.url}/console?day={now - timedelta(1):%F}")
        before = find(visitor, visitor, "main").text
    [counted] = re.findall(r"still runs: it counts until (\S+ \S+), and all other days", told)
    assert now.replace(tzinfo=None, microsecond=0) <= datetime.fromisoformat(counted)
    beside = f"Today so far beside the whole of the same day a week before, {days[0]:%F}"
    assert [row[0] for row in shown[beside]] == ["EUR"]
    assert heads.count("So far") == heads.count("A week before") == 4
    assert [row[0] for row in shown[BY_DAY][:2]] == [
        f"{now:%F} so far",
        f"{now - timedelta(1):%F}",
    ]
    assert "so far" not in before.lower()
    assert "still runs" not in before


def test_what_there_is_much_of_is_counted_as_far_as_a_page_goes(service: Service) -> None:
    service.new_tenant("busy")
    theirs = service.new_key("busy", "ingest", "read")
    names = [f"b-{number}" for number in range(MOST_COUNTED + 1)]
    with service.client(theirs) as api, client_of(service) as visiting:
        enter(visiting, theirs)
        for amount in (1, 2):
            for some in (names[1:], names[:1]):
                counts(api.post(EVENTS, content=body(*(bet(each, amount=amount) for each in some))))
                if amount == 2:
                    told = visiting.get("/console/overview/told").text
                    more = "more than " if some == names[:1] else ""
                    assert f'">{more}{MOST_COUNTED:,}</a>' in told
