"""Plots: what stands on their axes, whatever the amounts are."""

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import as_wide_as, complaints, until
from tests.console.visiting import log_in
from tests.http.service import Service
from tests.http.wire import EVENTS, body, counts, deposit

pytestmark = pytest.mark.xdist_group("browser")

LARGE = 1_000_000_000_000_001
SPY = """
window.written = [];
const fill = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const left = this.textAlign === "right" ? x - this.measureText(text).width : x;
  window.written.push({text, left, side: this.textAlign === "right"});
  return fill.apply(this, arguments);
};
"""
WRITTEN = "return window.written"


@pytest.fixture(scope="module")
def reader(browser: WebDriver, service: Service) -> Iterator[WebDriver]:
    """The browser of somebody who sees players with large amounts, one of whom did one thing only."""
    service.new_tenant("plots")
    key = service.new_key("plots", "ingest", "read")
    paid = [
        deposit("one", player_id="once", amount=LARGE),
        deposit("first", player_id="twice", amount=LARGE),
        deposit("next", player_id="twice", amount=1, timestamp="2025-01-15T13:00:00Z"),
    ]
    with service.client(key) as client:
        answer = client.post(EVENTS, content=body(*paid))
        counts(answer)
        head = answer.headers["log-position"]
        client.get("/api/v1/balances", params={"at_least": head}).raise_for_status()
    log_in(browser, service, key)
    spying = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SPY})
    yield browser
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", spying)


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("player_id", ["once", "twice"])
def test_a_large_amount_has_room_on_the_axis_and_each_tick_its_own_label(
    reader: WebDriver, service: Service, player_id: str, width: int
) -> None:
    with as_wide_as(reader, width):
        labels = [each for each in written(reader, service, player_id) if each["side"]]
    assert all(each["left"] >= 0 for each in labels)
    amounts = [each["text"] for each in labels]
    assert len({*amounts}) == len(amounts) >= 3
    assert any(each.endswith("T") for each in amounts)
    assert all(len(each) <= 8 for each in amounts)
    assert complaints(reader) == []


def test_a_single_moment_stands_in_the_midst_of_a_day(reader: WebDriver, service: Service) -> None:
    labels = {each["text"] for each in written(reader, service, "once")}
    assert {"06:00", "12:00", "18:00"} <= labels


def written(browser: WebDriver, service: Service, player_id: str) -> list[dict[str, Any]]:
    """What is written into the plot of a player's balance, the first time that it is drawn."""
    browser.get(f"{service.url}/console/players/player?id={player_id}")
    until(browser, lambda: browser.execute_script(WRITTEN), "the labels")
    found: list[dict[str, Any]] = browser.execute_script(WRITTEN)
    return found
