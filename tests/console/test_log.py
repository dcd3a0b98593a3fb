"""The log: found, filtered, gone through, and each event with its proof."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from tests.browser import click, complaints, find, until
from tests.console.conftest import DAY_EVENTS, HOSTILE_IDS
from tests.console.visiting import log_in
from tests.http.service import Service, eventually, roundbook
from tests.http.wire import EVENTS, body, counts, login

pytestmark = pytest.mark.xdist_group("browser")

LINKS = "a[href='/console/log'], a[href*='/console/log/']"
HEAD = DAY_EVENTS + len(HOSTILE_IDS)


@pytest.fixture(scope="module")
def client(service: Service, key: str) -> Iterator[httpx.Client]:
    """The API with the visitor's key."""
    with service.client(key) as opened:
        yield opened


def history(client: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/history", params={"order": "desc", "limit": 50, **asked})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return found


def numbers(visitor: WebDriver) -> list[int]:
    """The numbers of the events in the list, from the top."""
    cells = visitor.find_elements("css selector", "tbody th")
    return [int(each.text.replace(",", "")) for each in cells]


def open_event(visitor: WebDriver, service: Service, position: int) -> None:
    visitor.get(f"{service.url}/console/log/event?position={position}")


def test_the_log_is_shown_newest_first_and_gone_through_page_by_page(
    visitor: WebDriver, service: Service
) -> None:
    visitor.get(f"{service.url}/console/log")
    assert numbers(visitor) == [*range(HEAD, HEAD - 50, -1)]
    click(visitor, find(visitor, visitor, "a[rel=next]"))
    until(visitor, lambda: "cursor=" in visitor.current_url, "the next page")
    assert numbers(visitor) == [*range(HEAD - 50, HEAD - 100, -1)]
    visitor.back()
    assert numbers(visitor)[0] == HEAD
    assert not complaints(visitor)


def test_what_the_filters_leave_is_what_the_api_gives(
    visitor: WebDriver, service: Service, client: httpx.Client
) -> None:
    visitor.get(f"{service.url}/console/log")
    Select(find(visitor, visitor, "#event")).select_by_visible_text("Deposits")
    find(visitor, visitor, "#player_id").send_keys("StQ-1")
    find(visitor, visitor, "#to_position").send_keys("400\n")
    until(visitor, lambda: "to_position=400" in visitor.current_url, "the answer")
    found = history(client, event="deposit", player_id="StQ-1", to_position=400)
    assert numbers(visitor) == [each["position"] for each in found] != []
    assert find(visitor, visitor, "#player_id").get_attribute("value") == "StQ-1"
    assert all(
        each.text == "StQ-1" for each in visitor.find_elements("css selector", "tbody .whose")
    )


def test_a_filter_that_is_none_is_named_at_its_field(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/log?from_position=-1&from=yesterday")
    for name in ("from_position", "from"):
        field = find(visitor, visitor, f"#{name}")
        assert field.get_attribute("aria-invalid") == "true"
        said = find(visitor, visitor, f"#{field.get_attribute('aria-describedby')}").text
        assert visitor.find_element("css selector", "main").text.count(said) == 1
    complaints(visitor)  # that the answer is 422


@pytest.mark.parametrize("page", ["log", "conflicts"])
def test_numbers_that_go_backwards_are_named_at_their_field(
    visitor: WebDriver, service: Service, page: str
) -> None:
    visitor.get(f"{service.url}/console/{page}?from_position=20&to_position=3")
    field = find(visitor, visitor, "#to_position")
    said = find(visitor, visitor, f"#{field.get_attribute('aria-describedby')}")
    assert said.text == "must not be before 20"
    assert not visitor.find_elements("css selector", "tbody, .empty")
    complaints(visitor)  # that the answer is 422


def test_where_no_event_is_left_the_page_says_what_to_do(
    visitor: WebDriver, service: Service
) -> None:
    visitor.get(f"{service.url}/console/log?player_id=nobody")
    assert "clear the filters" in find(visitor, visitor, ".empty").text


def test_an_event_shows_what_was_sent_digit_for_digit(
    visitor: WebDriver, service: Service, client: httpx.Client
) -> None:
    for position in (1, 21, HEAD):
        answer = client.get(
            "/api/v1/history", params={"from_position": position, "to_position": position}
        )
        sent = answer.text.partition('"data":')[2].rpartition("}],")[0]
        open_event(visitor, service, position)
        data = find(visitor, visitor, "[data-part=data]")
        assert data.get_property("textContent") == sent


def test_from_an_event_one_goes_to_those_beside_it(
    visitor: WebDriver, service: Service, client: httpx.Client
) -> None:
    stream = [each["position"] for each in reversed(history(client, player_id="StQ-2", limit=500))]
    open_event(visitor, service, stream[3])
    log, player = visitor.find_elements("css selector", "#beside dd")
    assert log.text == f"Before {stream[3] - 1} · After {stream[3] + 1}"
    assert player.text == f"Before {stream[2]} · After {stream[4]}"
    click(visitor, player.find_elements("css selector", "a")[1])
    until(visitor, lambda: visitor.current_url.endswith(f"position={stream[4]}"), "the next one")
    open_event(visitor, service, HEAD)
    log, _ = visitor.find_elements("css selector", "#beside dd")
    assert log.text == f"Before {HEAD - 1} · After none"


@pytest.mark.parametrize("position", ["0", "-1", "x", "", "1e3", "9" * 40])
def test_what_is_no_number_of_an_event_is_a_page_of_404(
    service: Service, visitor: WebDriver, position: str
) -> None:
    assert _status(visitor, f"{service.url}/console/log/event?position={quote(position)}") == 404


def test_an_event_beyond_the_head_is_404_and_says_where_the_log_ends(
    visitor: WebDriver, service: Service
) -> None:
    address = f"{service.url}/console/log/event?position={HEAD + 1}"
    assert _status(visitor, address) == 404
    visitor.get(address)
    assert find(visitor, visitor, "main a[href*=position]").text == str(HEAD)
    complaints(visitor)  # that the answer is 404


def _status(visitor: WebDriver, address: str) -> int:
    found: int = visitor.execute_async_script(
        "fetch(arguments[0]).then((answer) => arguments[1](answer.status))", address
    )
    complaints(visitor)
    return found


def proven(visitor: WebDriver, checkpoint: str = "", vkey: str = "") -> str:
    """Verify the event that is shown; gives the verdict."""
    for name, given in (("checkpoint", checkpoint), ("vkey", vkey)):
        visitor.execute_script(f"document.querySelector('#{name}').value = arguments[0]", given)
    visitor.execute_script("document.querySelector('.verdict').textContent = ''")
    click(visitor, find(visitor, visitor, "#proof button"))
    return until(visitor, lambda: find(visitor, visitor, ".verdict").text, "the verdict")


def outcomes(visitor: WebDriver) -> list[str | None]:
    items = visitor.find_elements("css selector", ".checks li")
    return [each.get_attribute("class") for each in items]


def test_every_hostile_event_is_proven_against_a_checkpoint_that_was_kept(
    visitor: WebDriver, service: Service, client: httpx.Client
) -> None:
    kept = client.get("/api/v1/evidence/checkpoint").text
    vkey = client.get("/api/v1/evidence/keys").json()["keys"][0]["vkey"]
    for position in (1, 6, *range(DAY_EVENTS + 1, HEAD + 1)):
        open_event(visitor, service, position)
        assert proven(visitor, kept, vkey) == "Proven against your checkpoint."
        assert outcomes(visitor) == ["holds"] * 5
    assert not complaints(visitor)


def test_without_a_checkpoint_of_ones_own_it_is_no_proof(
    visitor: WebDriver, service: Service
) -> None:
    open_event(visitor, service, 21)
    assert proven(visitor).startswith("The service agrees with itself")
    assert outcomes(visitor) == ["holds"] * 5


@pytest.mark.parametrize("part", ["data", "stream", "version", "topic", "recorded", "position"])
def test_whatever_is_altered_on_the_page_is_found(
    visitor: WebDriver, service: Service, client: httpx.Client, part: str
) -> None:
    kept = client.get("/api/v1/evidence/checkpoint").text
    open_event(visitor, service, 21)
    visitor.execute_script(
        "const shown = document.querySelector(`[data-part=${arguments[0]}]`);"
        "shown.textContent = shown.textContent.replace(/[0-9]/, (each) => (+each + 1) % 10)",
        part,
    )
    if part == "topic":
        visitor.execute_script(
            "document.querySelector('[data-part=topic]').textContent = 'WinPaid'"
        )
    assert proven(visitor, kept).startswith("Not proven.")
    assert "fails" in outcomes(visitor)


def test_a_checkpoint_that_was_altered_or_is_of_another_log_proves_nothing(
    visitor: WebDriver, service: Service, client: httpx.Client
) -> None:
    kept = client.get("/api/v1/evidence/checkpoint").text
    service.new_tenant("other")
    with service.client(service.new_key("other", "ingest", "audit")) as other:
        counts(other.post(EVENTS, content=body(*(login(f"l-{n}") for n in range(40)))))
        of_another = {}

        def is_sealed() -> bool:
            answer = other.get("/api/v1/evidence/checkpoint")
            of_another["note"] = answer.text
            return answer.is_success

        eventually(is_sealed)
    open_event(visitor, service, 21)
    assert proven(visitor, kept.replace(f"\n{HEAD}\n", f"\n{HEAD - 1}\n")).startswith("Not proven.")
    assert proven(visitor, of_another["note"]).startswith("Not proven.")
    complaints(visitor)  # that sizes are asked for of which there is no proof


def test_what_was_pasted_wrongly_is_no_alarm(
    browser: WebDriver, service: Service, key: str
) -> None:
    service.new_tenant("sloppy")
    own = service.new_key("sloppy", "ingest", "read", "audit")
    with service.client(own) as client:
        log_in(browser, service, own)
        try:
            counts(client.post(EVENTS, content=body(login("l-1"))))
            eventually(lambda: client.get("/api/v1/evidence/checkpoint").is_success)
            older = client.get("/api/v1/evidence/checkpoint").text
            vkey = client.get("/api/v1/evidence/keys").json()["keys"][0]["vkey"]
            counts(client.post(EVENTS, content=body(login("l-2"))))
            eventually(lambda: client.get("/api/v1/status").json()["evidence"]["size"] == 2)
            newer = client.get("/api/v1/evidence/checkpoint").text
            open_event(browser, service, 2)
            for checkpoint, given_key, why in (
                (older, vkey, "this one came later"),
                ("what I kept", vkey, "This is no checkpoint"),
                (newer[:-9], vkey, "The signature is not whole"),
                (newer[:-3], vkey, "A signature is not in base64."),
                (newer, "my key", "A public key reads name+id+base64."),
                (newer, vkey[:-4] + "AAAA", "a character of it was altered"),
            ):
                said = proven(browser, checkpoint, given_key)
                assert said.startswith("Nothing could be verified: ")
                assert why in said
                assert "fails" not in outcomes(browser)
            for kept in (newer + newer, newer.strip() * 2, "  " + newer.replace("\n", "\n  ")):
                proven(browser, kept, vkey)
                assert outcomes(browser) == ["holds"] * 5
            assert not complaints(browser)
        finally:
            log_in(browser, service, key)


def test_an_event_that_is_not_sealed_yet_is_no_alarm(visitor: WebDriver, service: Service) -> None:
    """As it is for less than a second: here the page is of an event that is still to come."""
    open_event(visitor, service, 21)
    visitor.execute_script(
        "document.querySelector('[data-part=position]').textContent = arguments[0]", str(HEAD + 1)
    )
    assert proven(visitor).startswith("Nothing could be verified: This event is not sealed yet")
    assert not complaints(visitor)


def test_a_service_that_can_not_be_reached_is_no_alarm(
    visitor: WebDriver, service: Service
) -> None:
    open_event(visitor, service, 21)
    visitor.execute_cdp_cmd("Network.enable", {})
    visitor.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/evidence/inclusion*"]})
    try:
        said = proven(visitor)
    finally:
        visitor.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    assert said.startswith("Nothing could be verified: The service can't be reached.")
    complaints(visitor)  # that it could not be asked


def test_what_was_erased_is_said_to_be_and_still_proven(
    browser: WebDriver, service: Service, key: str
) -> None:
    service.new_tenant("forgetful")
    own = service.new_key("forgetful", "ingest", "read", "audit")
    with service.client(own) as client:
        counts(client.post(EVENTS, content=body(login("l-1"), login("l-2", player_id="q"))))
        roundbook("erase", "forgetful", "p", "--reason", "asked for", settings=service.settings)
        eventually(lambda: client.get("/api/v1/status").json()["evidence"]["size"] == 3)
    log_in(browser, service, own)
    try:
        for position in (1, 2, 3):
            open_event(browser, service, position)
            assert proven(browser).startswith("The service agrees with itself")
            assert outcomes(browser) == ["holds"] * 5
        assert "asked for" in find(browser, browser, ".lead").text
        open_event(browser, service, 1)
        assert not browser.find_elements("css selector", "[data-part=data]")
        click(browser, find(browser, browser, ".note a"))
        until(browser, lambda: browser.current_url.endswith("position=3"), "the record")
        assert not complaints(browser)
    finally:
        log_in(browser, service, key)


@contextmanager
def without_scripts(visitor: WebDriver) -> Iterator[None]:
    visitor.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        visitor.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_without_scripts_the_log_and_events_are_read_and_it_is_said_how_to_verify(
    visitor: WebDriver, service: Service
) -> None:
    with without_scripts(visitor):
        visitor.get(f"{service.url}/console/log?event=deposit")
        assert visitor.find_elements("css selector", "tbody tr")
        assert not find(visitor, visitor, ".live").is_displayed()
        open_event(visitor, service, 21)
        assert '"bet-r1"' in find(visitor, visitor, "[data-part=data]").text
        assert "roundbook verify" in find(visitor, visitor, ".without").text
        assert not find(visitor, visitor, "#proof form").is_displayed()


def test_at_an_address_that_is_not_secure_it_is_said_how_to_verify(
    visitor: WebDriver, service: Service
) -> None:
    """There browsers have no WebCrypto."""
    hidden = visitor.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {"source": "Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})"},
    )
    try:
        open_event(visitor, service, 21)
        assert find(visitor, visitor, ".without").is_displayed()
        assert not find(visitor, visitor, "#proof form").is_displayed()
        assert not complaints(visitor)
    finally:
        visitor.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", hidden)


def test_without_the_scope_the_log_is_neither_offered_nor_shown(
    browser: WebDriver, service: Service, key: str
) -> None:
    log_in(browser, service, service.new_key("acme", "read"))
    try:
        assert not browser.find_elements("css selector", LINKS)
        assert _status(browser, f"{service.url}/console/log") == 403
        browser.get(f"{service.url}/console/conflicts")
        assert browser.find_elements("css selector", "tbody tr")
        assert not browser.find_elements("css selector", LINKS)
    finally:
        log_in(browser, service, key)
