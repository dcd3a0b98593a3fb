"""The log as it grows, in the browser of somebody who follows it."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import psycopg.conninfo
import psycopg.sql
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import click, complaints, find, until
from tests.console.conftest import HOSTILE_IDS
from tests.console.said import listen, said
from tests.console.told import TOLD, whose
from tests.console.visiting import log_in, shown_ids
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, bet, body, counts, deposit, login

pytestmark = pytest.mark.xdist_group("browser")

MOST = 200
ROWS = "return [...document.querySelectorAll('tbody tr')].map((each) => each.outerHTML)"


@pytest.fixture
def client(service: Service, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A tenant of the test's own, with three events."""
    tenant = f"live-{request.node.name}"[:50]
    service.new_tenant(tenant)
    with service.client(service.new_key(tenant, "ingest", "read", "audit")) as opened:
        send(opened, *(login(f"before-{number}") for number in range(3)))
        yield opened


@pytest.fixture
def follower(browser: WebDriver, service: Service, client: httpx.Client) -> WebDriver:
    """A browser that is logged in there."""
    log_in(browser, service, client.headers["x-api-key"])
    return browser


def send(client: httpx.Client, *items: object) -> None:
    assert counts(client.post(EVENTS, content=body(*items)))[0] == len(items)


def follow(browser: WebDriver, service: Service, **filters: str) -> None:
    browser.get(str(httpx.URL(f"{service.url}/console/log", params=filters)))
    click(browser, find(browser, browser, ".follow"))
    until(browser, lambda: "Connecting" not in state(browser), "the stream")


def state(browser: WebDriver) -> str:
    return find(browser, browser, ".live [role=status]").text


def numbers(browser: WebDriver) -> list[int]:
    found: list[int] = browser.execute_script(
        "return [...document.querySelectorAll('tbody th')].map((each) => +each.textContent.replace(',', ''))"
    )
    return found


def top(browser: WebDriver) -> str:
    return find(browser, browser, "tbody tr:first-child").text


@contextmanager
def out_of_reach(database: Database, admin_url: str) -> Iterator[None]:
    """Let nobody in to a database."""
    name = str(psycopg.conninfo.conninfo_to_dict(database.owner_url)["dbname"])
    allow = psycopg.sql.SQL("alter database {} with allow_connections {}")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(allow.format(psycopg.sql.Identifier(name), psycopg.sql.SQL("false")))
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        try:
            yield
        finally:
            admin.execute(allow.format(psycopg.sql.Identifier(name), psycopg.sql.SQL("true")))


def pauses(browser: WebDriver) -> list[int]:
    """How many seconds were said to be waited for, one after the other."""
    found = re.findall(r"can't answer yet\. Trying again in (\d+) s", "\n".join(said(browser)))
    return [int(seconds) for seconds in found]


def test_what_is_recorded_comes_above_what_was(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    assert numbers(follower) == [3, 2, 1]
    send(client, bet("b", amount=0.5, game_id="btg/bonanza", round_id="r 1"))
    until(follower, lambda: numbers(follower) == [4, 3, 2, 1], "the event")
    live = top(follower)
    assert "Bet 0.50 EUR in btg/bonanza, round r 1" in live
    follower.refresh()
    assert top(follower) == live
    assert not complaints(follower)


def test_what_comes_reads_as_it_does_on_the_page(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    told = [whose(event, hour) for hour, (event, _) in enumerate(TOLD)]
    send(client, *told, deposit("iqd", amount=12, currency="IQD"))
    count = len(told) + 1
    until(follower, lambda: len(numbers(follower)) == 3 + count, "all of them")
    live = follower.execute_script(ROWS)
    assert "12.000 IQD by card" in top(follower)
    follower.refresh()
    assert follower.execute_script(ROWS) == live
    assert not complaints(follower)


def test_amounts_come_digit_for_digit_with_the_decimals_of_their_currency(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    amounts = ("12345678901234567890.123456789012345678", "1e2", "0.10", "7")
    for number, amount in enumerate(amounts):
        text = body(deposit(f"d-{number}", currency="JPY", amount=11)).replace(
            b": 11,", f": {amount},".encode()
        )
        counts(client.post(EVENTS, content=text))
    until(follower, lambda: numbers(follower)[0] == 7, "the deposits")
    shown = [each.text for each in follower.find_elements("css selector", "td.words")[:4]]
    assert shown == [
        "Deposit of 7 JPY by card",
        "Deposit of 0.1 JPY by card",
        "Deposit of 100 JPY by card",
        "Deposit of 12,345,678,901,234,567,890.123456789012345678 JPY by card",
    ]


def test_only_what_the_filters_leave_comes(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service, event="deposit", player_id="p")
    send(client, login("l"), deposit("d1", player_id="q"), deposit("d2"), bet("b"), deposit("d3"))
    until(follower, lambda: numbers(follower)[:1] == [8], "the last one")
    assert numbers(follower) == [8, 6]
    assert not follower.find_elements("css selector", ".none")


def test_after_a_pause_what_came_meanwhile_is_counted_and_shown(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    button = find(follower, follower, ".follow")
    click(follower, button)
    send(client, *(login(f"l-{number}") for number in range(20)))
    assert state(follower).startswith("Paused.")
    assert numbers(follower) == [3, 2, 1]
    assert button.text == "Resume"
    click(follower, button)
    until(follower, lambda: state(follower) == "20 came since you follow.", "the count")
    assert numbers(follower) == [*range(23, 0, -1)]


def test_any_number_of_tabs_follow_the_log_and_each_goes_on_where_it_was(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    """A browser has six connections to a host for all of its tabs."""
    first = follower.current_window_handle
    tabs = [first]
    try:
        follow(follower, service)
        for number in range(7):
            follower.switch_to.new_window("tab")
            tabs.append(follower.current_window_handle)
            follow(follower, service)
            send(client, login(f"l-{number}"))
            until(follower, lambda last=4 + number: numbers(follower)[0] == last, "the event")  # type: ignore[misc]
        follower.switch_to.window(first)
        until(follower, lambda: numbers(follower) == [*range(10, 0, -1)], "what came meanwhile")
        assert state(follower) == "7 came since you follow."
    finally:
        for tab in tabs[1:]:
            follower.switch_to.window(tab)
            follower.close()
        follower.switch_to.window(first)
    assert not complaints(follower)


def test_where_the_session_has_ended_nothing_more_is_asked_for(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    follower.delete_all_cookies()
    send(client, login("l"))
    until(follower, lambda: "has ended" in state(follower), "the end")
    assert numbers(follower) == [3, 2, 1]
    complaints(follower)  # that it was refused


def test_the_page_stays_bounded_however_much_comes(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    send(client, *(login(f"older-{each}") for each in range(97)))
    follow(follower, service)
    assert follower.find_elements("css selector", ".pager")
    for number in range(3):
        send(client, *(login(f"{number}-{each}") for each in range(500)))
    until(follower, lambda: state(follower).startswith("1,500 came"), "all of them")
    assert numbers(follower) == [*range(1600, 1600 - MOST, -1)]
    # It would go on behind rows that are gone.
    assert not follower.find_elements("css selector", ".pager")
    click(follower, find(follower, follower, ".follow"))
    send(client, *(login(f"paused-{each}") for each in range(500)))
    click(follower, find(follower, follower, ".follow"))
    until(follower, lambda: state(follower).startswith("2,000 came"), "the rest")
    assert numbers(follower) == [*range(2100, 2100 - MOST, -1)]


def test_a_stream_that_broke_goes_on_where_it_was(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    send(client, login("first"))
    until(follower, lambda: numbers(follower)[0] == 4, "the first")
    before = service.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: bool(service.workers()) and not {*before} & {*service.workers()})
    eventually(lambda: service.answers("/health/ready"))
    send(client, login("second"), login("third"))
    until(follower, lambda: numbers(follower) == [6, 5, 4, 3, 2, 1], "all of them, once")
    until(follower, lambda: state(follower) == "3 came since you follow.", "the stream")
    complaints(follower)  # that it broke


@pytest.fixture
def narrow(
    admin_url: str, template: Database, tmp_path: Path
) -> Iterator[tuple[Service, Database]]:
    """A service that lets a key have one stream, and its store."""
    with new_database(admin_url, template=template) as database:
        settings = on(database) | {"ROUNDBOOK_MAX_STREAMS_PER_KEY": "1"}
        with serving(tmp_path, "--workers", "1", settings=settings) as running:
            running.new_tenant("narrow")
            yield running, database


def test_a_stream_that_was_refused_as_it_opened_is_asked_for_again(
    browser: WebDriver, narrow: tuple[Service, Database]
) -> None:
    service, _ = narrow
    key = service.new_key("narrow", "ingest", "read", "audit")
    log_in(browser, service, key)
    with service.client(key) as client:
        stream = {"accept": "text/event-stream"}
        with client.stream("GET", "/api/v1/history", headers=stream) as another:
            next(another.iter_bytes())
            follow(browser, service)
            until(browser, lambda: "asks too often. Trying again in" in state(browser), "the pause")
            [said] = re.findall(r"again in (\d+) s", state(browser))
            assert int(said) >= 5  # as Retry-After says
            assert find(browser, browser, ".follow").is_enabled()
        send(client, login("meanwhile"))
        until(browser, lambda: state(browser) == "1 came since you follow.", "the stream")
        assert numbers(browser) == [1]
    complaints(browser)  # that it was refused


def test_while_the_store_is_away_the_pauses_grow_and_then_all_comes(
    browser: WebDriver, narrow: tuple[Service, Database], admin_url: str
) -> None:
    service, database = narrow
    key = service.new_key("narrow", "ingest", "read", "audit")
    log_in(browser, service, key)
    with service.client(key) as client:
        send(client, login("before"))
        browser.get(f"{service.url}/console/log")
        listen(browser)
        with out_of_reach(database, admin_url):
            click(browser, find(browser, browser, ".follow"))
            until(browser, lambda: len(pauses(browser)) >= 2, "two pauses")
            first, second, *_ = pauses(browser)
            assert first < second
            click(browser, find(browser, browser, ".follow"))
            assert state(browser).startswith("Paused.")
            click(browser, find(browser, browser, ".follow"))
        eventually(lambda: client.post(EVENTS, content=body(login("after"))).is_success)
        until(browser, lambda: state(browser) == "1 came since you follow.", "the stream")
        assert numbers(browser) == [2, 1]
    complaints(browser)  # that it broke


def test_a_stream_that_ended_for_good_says_so(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service, to_position="4")
    listen(follower)
    send(client, login("last"))
    until(follower, lambda: "has ended" in state(follower), "the end")
    assert not [each for each in said(follower) if "broke" in each]
    until(follower, lambda: numbers(follower)[0] == 4, "the last one")
    assert not find(follower, follower, ".follow").is_enabled()


def test_hostile_ids_are_shown_as_they_are_and_lead_where_they_name(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    for number, any_id in enumerate(HOSTILE_IDS):
        send(client, bet(f"h-{number}", player_id=any_id, game_id=any_id, round_id=any_id))
    until(follower, lambda: len(numbers(follower)) == 3 + len(HOSTILE_IDS), "all of them")
    live = shown_ids(follower)
    links = "return [...document.querySelectorAll('tbody a')].map((each) => each.href)"
    addresses = [httpx.URL(each) for each in follower.execute_script(links)]
    assert {*HOSTILE_IDS} <= {*live}
    follower.refresh()
    shown = [httpx.URL(each) for each in follower.execute_script(links)]
    assert [(each.path, each.params) for each in addresses] == [
        (each.path, each.params) for each in shown
    ]
    assert not complaints(follower)


def test_an_id_that_is_spaces_alone_is_seen(
    follower: WebDriver, service: Service, client: httpx.Client
) -> None:
    follow(follower, service)
    for last, player_id in enumerate((" ", "\t", "\u2003\u2003"), 4):
        send(client, login(f"blank-{last}", player_id=player_id))
        until(follower, lambda last=last: numbers(follower)[0] == last, "the event")  # type: ignore[misc]
        link = find(follower, follower, "tbody tr:first-child .whose a")
        assert link.get_property("textContent") == player_id
        assert link.accessible_name.strip() == "spaces alone"
        assert link.size["width"] > 40
    assert not complaints(follower)
