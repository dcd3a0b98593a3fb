"""The pages for whoever runs the service: what is ill comes first, says what to do, and moves by itself."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from app.limits.limits import WHOLE_TENANT, Limit, set_limit
from app.tenants import create_key, find_tenant, revoke_key
from postgres.connections import connect
from tests.browser import as_wide_as, click, complaints, find, until
from tests.console.conftest import HOSTILE_IDS
from tests.console.visiting import client_of, enter, log_in, shown_ids
from tests.http.service import Service, eventually
from tests.http.wire import EVENTS, body, login

pytestmark = pytest.mark.xdist_group("browser")

SYSTEM = "/console/system"
ILL, WELL = "a.ill", "b-well"
INVENTED = (
    "insert into events (position, recorded_at, occurred_at, tenant_id, version, key, stream, topic, state)"
    " values (2, clock_timestamp(), now(), %s, 2, '\\x00', 'player:p', 'Future', '{}')"
)
REBUILDING = (
    "insert into tracking (tenant_id, generation, position, live, updated_at)"
    " values (%s, 2, 1, false, now())"
)
OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest.fixture(scope="module")
def operating(service: Service) -> str:
    """A key that admits nothing else; there are an ill tenant, and a well one."""
    for name in ("operators", ILL, WELL):
        service.new_tenant(name)
        with service.client(service.new_key(name, "ingest")) as client:
            client.post(EVENTS, content=body(login("first"))).raise_for_status()
    with connect(service.store_url) as thief:
        thief.execute(INVENTED, [find_tenant(thief, ILL).tenant_id])
    with service.client(service.new_key(ILL, "ingest")) as client:
        client.post(EVENTS, content=body(login("next"))).raise_for_status()
    return service.new_key("operators", "operate")


@pytest.fixture(scope="module")
def told(service: Service, operating: str) -> Iterator[httpx.Client]:
    """HTTP to the API, as who operates the service; by now it knows that the tenant is ill."""
    with service.client(operating) as client:
        eventually(lambda: of(client, ILL)["failure"])
        yield client


@pytest.fixture(scope="module")
def operator(browser: WebDriver, service: Service, operating: str, told: httpx.Client) -> WebDriver:
    """The browser of who operates the service."""
    assert told.headers["x-api-key"] == operating
    log_in(browser, service, operating, SYSTEM)
    return browser


def of(client: httpx.Client, name: str) -> Any:
    """What the API tells of a tenant."""
    return client.get(f"/api/v1/system/tenants/{name}").json()


def row(browser: WebDriver, name: str) -> WebElement:
    """The row of a tenant, as it is now: the next one takes its place soon."""
    return find(browser, browser, f"tr:has([data-tenant='{name}'])")


def link_of(browser: WebDriver, name: str) -> WebElement:
    """The link of a tenant, which stays where its row is replaced."""
    return find(browser, browser, f"tr:has([data-tenant='{name}']) a")


def text(browser: WebDriver, script: str) -> str:
    """A text of the page, read at once: what shows it may be replaced in between."""
    found: str = browser.execute_script(f"return {script}?.textContent.trim() ?? ''")
    return found


def rate(browser: WebDriver, name: str) -> float:
    shown = text(browser, f"document.querySelector(\"[data-tenant='{name}']\")")
    return 0.0 if shown == "\N{EN DASH}" else float(shown.replace(",", ""))


def test_who_only_operates_is_led_to_the_system_and_offered_nothing_else(
    operator: WebDriver, service: Service
) -> None:
    operator.get(f"{service.url}/console")
    until(operator, lambda: operator.current_url == service.url + SYSTEM, "the system")
    offered = operator.find_elements("css selector", "nav a")
    assert [each.text for each in offered] == ["System"]


def test_who_may_not_operate_is_neither_offered_it_nor_shown_it(service: Service) -> None:
    with client_of(service) as client:
        enter(client, service.new_key(WELL, "read"))
        assert f'href="{SYSTEM}"' not in client.get("/console").text
        for path in (SYSTEM, f"{SYSTEM}/tenant?name={WELL}"):
            refused = client.get(path)
            assert refused.status_code == 403
            assert "operate" in refused.text
            assert ILL not in refused.text


def test_who_is_ill_comes_first_and_their_page_says_where_why_and_what_next(
    operator: WebDriver, service: Service, told: httpx.Client
) -> None:
    operator.get(service.url + SYSTEM)
    # At once: they are replaced soon.
    names = operator.execute_script(
        "return [...document.querySelectorAll('#tenants th')].map((each) => each.textContent.trim())"
    )
    ill = [each for each in names if of(told, each)["troubles"]]
    assert ill[0] == ILL
    assert names == ill + sorted(set(names) - {*ill})
    still = "Read models stand still at 2"
    until(operator, lambda: still in row(operator, ILL).text, "what is wrong")
    click(operator, link_of(operator, ILL))
    until(operator, lambda: text(operator, "document.querySelector('h1')") == ILL, "its page")
    said = find(operator, operator, "#now").text
    failure = of(told, ILL)["failure"]
    assert "at event 2 since" in said
    assert failure["reason"] in said
    assert f"roundbook replay {ILL} --from-position 2 --to-position 2" in said
    click(operator, find(operator, operator, "main p a[href='/console/system']"))
    until(operator, lambda: operator.current_url == service.url + SYSTEM, "the way back")


def test_of_who_is_well_nothing_is_said_to_wait(
    service: Service, operating: str, told: httpx.Client
) -> None:
    eventually(lambda: not of(told, WELL)["lag_events"])
    with client_of(service) as client:
        enter(client, operating)
        assert "waits for" in client.get(f"{SYSTEM}/tenant", params={"name": ILL}).text
        assert "waits for" not in client.get(f"{SYSTEM}/tenant", params={"name": WELL}).text


def test_the_list_moves_by_itself_and_the_keyboard_stays_where_it_is(
    operator: WebDriver, service: Service, told: httpx.Client
) -> None:
    operator.get(service.url + SYSTEM)
    complaints(operator)
    before = of(told, WELL)["log_position"]
    link = link_of(operator, WELL)
    operator.execute_script("arguments[0].focus()", link)
    with service.client(service.new_key(WELL, "ingest")) as client:
        moved = 0

        def moves() -> bool:
            nonlocal moved
            moved += 1
            client.post(EVENTS, content=body(login(f"moved-{moved}"))).raise_for_status()
            return rate(operator, WELL) > 0

        until(operator, moves, "events per second")
    total = text(operator, "document.querySelector('[data-total]')")
    assert float(total.replace(",", "")) > 0
    until(
        operator,
        lambda: f"{before + moved}" in row(operator, WELL).text.split(),
        "the last event",
    )
    assert operator.switch_to.active_element == link
    assert complaints(operator) == []


def test_a_rebuild_shows_how_far_it_is(
    operator: WebDriver, service: Service, told: httpx.Client
) -> None:
    with connect(service.store_url) as store:
        whose = [find_tenant(store, WELL).tenant_id]
        store.execute(REBUILDING, whose)
        try:
            events = of(told, WELL)["log_position"]
            for path in (SYSTEM, f"{SYSTEM}/tenant?name={WELL}"):
                operator.get(service.url + path)
                bar = "document.querySelector('progress')"
                assert operator.execute_script(f"return [{bar}.value, {bar}.max]") == [1, events]
                assert f"1 of {events} events" in text(operator, f"{bar}.parentElement")
        finally:
            store.execute("delete from tracking where tenant_id = %s and not live", whose)


def test_an_answer_that_does_not_come_is_told_and_goes_on(
    operator: WebDriver, service: Service
) -> None:
    operator.get(service.url + SYSTEM)
    stale = find(operator, operator, "#stale")
    assert not stale.is_displayed()
    operator.execute_cdp_cmd("Network.emulateNetworkConditions", OFFLINE)
    until(operator, stale.is_displayed, "what says so")
    operator.execute_cdp_cmd("Network.emulateNetworkConditions", OFFLINE | {"offline": False})
    until(operator, lambda: not stale.is_displayed(), "an answer")
    complaints(operator)


def test_keys_and_limits_are_those_of_the_api_and_a_label_runs_nothing(
    operator: WebDriver, service: Service, told: httpx.Client
) -> None:
    with connect(service.store_url) as store:
        tenant = find_tenant(store, WELL)
        ended, *_ = [create_key(store, tenant, ["read"], label=each) for each in HOSTILE_IDS]
        revoke_key(store, ended.key_id)
        set_limit(store, tenant.tenant_id, Limit(WHOLE_TENANT, 200, 5000, None, 10))
        set_limit(store, tenant.tenant_id, Limit(ended.key_id, None, None, 2_000_000, 1))
    operator.get(f"{service.url}{SYSTEM}/tenant?name={WELL}")
    assert {*HOSTILE_IDS} <= {*shown_ids(operator)}
    assert operator.title == f"{WELL} · Roundbook"
    limits, keys = operator.find_elements("css selector", "h2 + .table")
    assert "The tenant as a whole 200 5,000 no limit 10 s" in limits.text
    assert "2,000,000" in limits.text
    listed = told.get(f"/api/v1/system/tenants/{WELL}/keys").json()["items"]
    shown = [each.text for each in keys.find_elements("css selector", "tbody th")]
    assert shown == [str(key["key_id"]) for key in listed]
    assert (
        "Revoked"
        in find(operator, keys, f"tbody tr:nth-child({shown.index(str(ended.key_id)) + 1})").text
    )
    with as_wide_as(operator, 360):
        assert operator.execute_script("return document.documentElement.scrollWidth") <= 360


def test_without_scripts_a_page_shows_all_but_rates(
    service: Service, operating: str, told: httpx.Client
) -> None:
    with client_of(service) as client:
        enter(client, operating)
        page = client.get(SYSTEM).text
        assert page.index(f"name={ILL}") < page.index(f"name={WELL}")
        cursor = told.get("/api/v1/system/tenants", params={"in_trouble": False, "limit": 1}).json()
        rest = client.get(SYSTEM, params={"cursor": cursor["next_cursor"]}).text
        [first] = [each["name"] for each in cursor["items"]]
        assert f"name={first}" not in rest
        assert f"name={ILL}" not in rest
        assert "First page" in rest


@pytest.mark.parametrize("name", ["", "nobody", "..", "a/../acme", "<script>"])
def test_a_tenant_that_is_not_there_is_a_page_that_says_so(
    name: str, service: Service, operating: str
) -> None:
    with client_of(service) as client:
        enter(client, operating)
        answer = client.get(f"{SYSTEM}/tenant", params={"name": name})
        assert answer.status_code == 404
        assert "<script>" not in answer.text.partition("<main")[2]
        assert not name.isalpha() or "There is no tenant" in answer.text
