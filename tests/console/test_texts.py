"""Texts of senders that are no ids, whatever they are: shown as they are, and no wider than the screen."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import as_wide_as, complaints
from tests.console.conftest import HOSTILE_TEXTS
from tests.console.visiting import log_in, shown_ids
from tests.http.service import Service
from tests.http.wire import EVENTS, bet, body, counts, deposit, item

pytestmark = pytest.mark.xdist_group("browser")

TENANT = "texts"
PLAYER = "p"
STAKE = {
    "player_id": PLAYER,
    "game_id": "g",
    "amount": 1,
    "currency": "EUR",
    "is_win": False,
    "is_bonus": False,
}
WIDEST = """
const widths = [...document.querySelectorAll("bdi")].map((each) => each.getBoundingClientRect().width);
return Math.max(0, ...widths);
"""
LAST = HOSTILE_TEXTS[-1]
ROUND = f"r-{len(HOSTILE_TEXTS) - 1}"
PAGES = (
    "/console/players",
    f"/console/players?{urlencode({'tag': LAST})}",
    f"/console/players/player?id={PLAYER}",
    f"/console/players/player?id={PLAYER}&event=deposit",
    f"/console/players/player?id={PLAYER}&event=rollback",
    f"/console/rounds/round?player_id={PLAYER}&game_id=g&round_id={ROUND}",
    "/console/games",
    f"/console/games?{urlencode({'provider': LAST})}",
    f"/console/games/game?id={ROUND}",
    f"/console/reports/revenue?{urlencode({'from': '2025-01-15', 'provider': LAST})}",
    "/console/reports/revenue?from=2025-01-15&group_by=provider,currency",
    "/console/reports/rtp?from=2025-01-15",
    f"/console/reports/statement?player_id={PLAYER}",
    "/console/reports/significant",
)


def sent() -> Iterator[dict[str, Any]]:
    """Each text as a tag, a provider, a method and a reason, of one player."""
    yield item("player", "tags", player_id=PLAYER, tags=[*HOSTILE_TEXTS])
    for number, text in enumerate(HOSTILE_TEXTS):
        yield item("game", f"game-{number}", game_id=f"r-{number}", provider=text)
        yield deposit(f"deposit-{number}", method=text)
        yield bet(f"bet-{number}", **{**STAKE, "round_id": f"r-{number}"})
        yield bet(f"bet-of-{number}", game_id=f"r-{number}")
        of = {**STAKE, "round_id": f"r-{number}", "reference": f"bet-{number}"}
        yield item("rollback", f"back-{number}", **of, reason=text)


@pytest.fixture(scope="module")
def reader(browser: WebDriver, service: Service) -> WebDriver:
    """The browser of somebody who sees them."""
    service.new_tenant(TENANT)
    key = service.new_key(TENANT, "ingest", "read", "audit")
    with service.client(key) as client:
        answer = client.post(EVENTS, content=body(*sent()))
        counts(answer)
        head = answer.headers["log-position"]
        client.get("/api/v1/players", params={"at_least": head}).raise_for_status()
    log_in(browser, service, key)
    return browser


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page[9:60])
def test_a_page_with_long_texts_fits_a_telephone_and_a_desk(
    reader: WebDriver, service: Service, page: str
) -> None:
    for width in (360, 1200):
        with as_wide_as(reader, width):
            reader.get(service.url + page)
            assert reader.execute_script("return document.documentElement.scrollWidth") <= width
            assert reader.execute_script(WIDEST) <= width
    assert complaints(reader) == []


@pytest.mark.parametrize(
    "page", [PAGES[0], PAGES[6], *PAGES[3:5], PAGES[-4], PAGES[-2]], ids=lambda page: page[9:60]
)
def test_texts_are_shown_as_they_are_and_run_nothing(
    reader: WebDriver, service: Service, page: str
) -> None:
    reader.get(service.url + page)
    assert {*HOSTILE_TEXTS} <= {*shown_ids(reader)}
    assert reader.title.endswith(" · Roundbook")
    assert complaints(reader) == []
