"""A round, as somebody looks at one: what happened in it, and why it has its status."""

from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import complaints, find
from tests.console.visiting import log_in
from tests.http.service import Service
from tests.http.wire import EVENTS, bet, body, counts, item

pytestmark = pytest.mark.xdist_group("browser")

WHOSE = {"player_id": "p1", "game_id": "g1"}
MANY = 1_200


def _win(unique_id: str, **data: Any) -> dict[str, Any]:
    return bet(unique_id, **{"is_win": True, **data})


def _rollback(unique_id: str, **data: Any) -> dict[str, Any]:
    stake = {"amount": 1, "currency": "EUR", "is_win": False, "is_bonus": False}
    return item("rollback", unique_id, **{**stake, **data})


ROUNDS: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "open": (
        [bet("o1")],
        "Open.",
        "A round is open while it has a bet, and neither a win nor an end: this one has 1 bet.",
    ),
    "won": (
        [bet("w1"), _win("w2", amount=2.5), _win("w3", amount=0)],
        "Settled.",
        "A round with a bet and a win is settled: this one has 1 bet and 2 wins.",
    ),
    "ended": (
        [bet("e1"), item("roundend", "e2")],
        "Settled.",
        "A round that was ended without a win is settled: this one has 1 bet.",
    ),
    "only-ended": (
        [item("roundend", "n1")],
        "Settled.",
        "A round that was ended without a win is settled: this one has neither bet nor win.",
    ),
    "unmatched": (
        [_win("u1")],
        "Unmatched.",
        "A round without a bet is unmatched: this one has 1 win.",
    ),
    "taken-back": (
        [bet("t1"), _rollback("t2", reference="t1")],
        "Rolled back.",
        "As many bets and wins were taken back as were sent: 1 bet.",
    ),
    "partly": (
        [bet("b1"), bet("b2"), _win("b3"), _rollback("b4", reference="b2", reason="<b>oops</b>")],
        "Settled.",
        "A round with a bet and a win is settled: this one has 2 bets and 1 win. Taken back so far: 1 bet.",
    ),
    "nothing-but-taken-back": (
        [_rollback("k1", reference="nobody")],
        "Unmatched.",
        "A round without a bet is unmatched: this one has neither bet nor win. Taken back so far: 1 bet.",
    ),
}
"""By the round's id: its events, and why it has its status."""


@pytest.fixture(scope="module")
def rounds_key(service: Service) -> str:
    """A key of a tenant that has a round of each kind."""
    service.new_tenant("rounds")
    made = service.new_key("rounds", "ingest", "read", "audit")
    items = [
        {**each, "data": {**each["data"], **WHOSE, "round_id": round_id}}
        for round_id, (events, *_) in ROUNDS.items()
        for each in events
    ]
    many = [bet(f"m{number}", **WHOSE, round_id="many") for number in range(MANY)]
    with service.client(made) as client:
        stored, _, _ = counts(client.post(EVENTS, content=body(*items, *many)))
        asked = {"at_least": stored, "limit": 1}
        client.get("/api/v1/rounds", params=asked).raise_for_status()
    return made


@pytest.fixture(scope="module")
def reader(browser: WebDriver, service: Service, rounds_key: str) -> WebDriver:
    """The browser of somebody who sees a round of each kind."""
    log_in(browser, service, rounds_key)
    return browser


@pytest.mark.parametrize("round_id", ROUNDS)
def test_a_round_says_why_it_has_its_status(
    reader: WebDriver, service: Service, round_id: str
) -> None:
    show(reader, service, round_id)
    said = find(reader, reader, "h1 + p").text
    assert said == " ".join(ROUNDS[round_id][1:])
    assert len(steps(reader)) == len(ROUNDS[round_id][0])


def test_each_step_of_a_round_leads_to_its_event(
    reader: WebDriver, service: Service, rounds_key: str
) -> None:
    show(reader, service, "partly")
    assert [each.partition("\n")[0] for each in steps(reader)] == [
        "Bet 1.00 EUR",
        "Bet 1.00 EUR",
        "Win 1.00 EUR",
        "Bet taken back: 1.00 EUR",
    ]
    assert "taken back at" in steps(reader)[1]
    assert "It names b2, and agrees with it. Reason: <b>oops</b>" in steps(reader)[3]
    leads_to = {
        link.get_attribute("href")
        for link in reader.find_elements("css selector", ".steps .where a")
    }
    with service.client(rounds_key) as client:
        entries = client.get("/api/v1/history", params={"player_id": "p1"}).json()["items"]
    positions = [e["position"] for e in entries if e["data"]["round_id"] == "partly"]
    assert leads_to == {
        f"{service.url}/console/log/event?position={position}" for position in positions
    }


def test_the_end_of_a_round_is_found_in_the_log(reader: WebDriver, service: Service) -> None:
    show(reader, service, "ended")
    end = reader.find_elements("css selector", ".steps .end a")
    assert len(end) == 1


def test_a_round_of_very_many_bets_is_shown_in_part(reader: WebDriver, service: Service) -> None:
    show(reader, service, "many")
    assert len(steps(reader)) == 500
    assert f"{MANY - 500} more follow" in find(reader, reader, "main").text


def test_who_may_not_see_the_log_sees_the_round_without_links_to_it(
    browser: WebDriver, service: Service, rounds_key: str
) -> None:
    log_in(browser, service, service.new_key("rounds", "read"))
    show(browser, service, "ended")
    assert len(steps(browser)) == 2
    assert browser.find_elements("css selector", ".steps .where a") == []
    log_in(browser, service, rounds_key)


@pytest.mark.parametrize("query", ["", "player_id=p1", "player_id=p1&game_id=g1&round_id=no"])
def test_a_round_that_there_is_not_is_said_to_be_none(
    reader: WebDriver, service: Service, query: str
) -> None:
    reader.get(f"{service.url}/console/rounds/round?{query}")
    assert find(reader, reader, "h1").text in {"No such round", "Not found"}
    assert len(complaints(reader)) == 1  # that the answer is 404


def show(browser: WebDriver, service: Service, round_id: str) -> None:
    """Open the page of a round."""
    browser.get(f"{service.url}/console/rounds/round?player_id=p1&game_id=g1&round_id={round_id}")


def steps(browser: WebDriver) -> list[str]:
    """Tell what happened in a round."""
    return [each.text for each in browser.find_elements("css selector", ".steps .what")]
