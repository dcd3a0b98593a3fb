"""A game, as somebody looks at one: what came back beside what chance allows, day by day, and its entry."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from tests.browser import click, complaints, find, until
from tests.console.catalogue import BARE, CERTAIN, FAIR, LUCKY, TODAY
from tests.console.visiting import client_of, enter, tables
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

BY_CURRENCY = "Real and bonus money together, without what was taken back"
BY_DAY = "Days on which it was played, the last one first"
ENTRY = "Each field as its latest update says"
PLOTS = """
return [...document.querySelectorAll("figure.plot script")].map((each) => JSON.parse(each.textContent))
"""
MINUS, UNKNOWN = "\N{MINUS SIGN}", "\N{EN DASH}"


def show(browser: WebDriver, service: Service, game_id: str, **parameters: str) -> None:
    query = httpx.QueryParams({"id": game_id, **parameters})
    browser.get(f"{service.url}/console/games/game?{query}")


def asked(service: Service, key: str, path: str, **parameters: Any) -> Any:
    with service.client(key) as client:
        return client.get(f"/api/v1/{path}", params=parameters).json()


def number(written: str) -> Decimal:
    return Decimal(written.removesuffix(" %").replace(",", "").replace(MINUS, "-"))


def day(days_ago: int) -> str:
    return str((TODAY - timedelta(days_ago)).date())


def test_what_came_back_is_judged_as_the_report_judges_it(
    analyst: WebDriver, service: Service, catalogue_key: str
) -> None:
    complaints(analyst)
    for game_id in (LUCKY, FAIR):
        show(analyst, service, game_id)
        first = day(89)
        report = asked(service, catalogue_key, "reports/rtp", **{"from": first})
        said = {row["currency"]: row for row in report["rows"] if row["game_id"] == game_id}
        shown = {row[0]: row for row in tables(analyst)[BY_CURRENCY]}
        assert set(shown) == set(said) == {"EUR", "SEK"}
        for currency, row in said.items():
            cells = shown[currency]
            assert [number(cell) for cell in cells[1:4]] == [
                row["rounds"],
                Decimal(row["bet"]),
                Decimal(row["win"]),
            ]
            assert number(cells[5]) == round(Decimal(row["rtp"]) * 100, 2)
            assert number(cells[7]) == Decimal(row["deviation"])
            assert cells[8] == ("beyond the band" if row["flagged"] else "within the band")
    assert complaints(analyst) == []


def test_days_are_those_of_the_activity_and_add_up(
    analyst: WebDriver, service: Service, catalogue_key: str
) -> None:
    show(analyst, service, LUCKY)
    said = asked(service, catalogue_key, "activity", game_id=LUCKY, currency="EUR")["items"]
    rows = tables(analyst)[BY_DAY]
    assert [row[0] for row in reversed(rows)] == [each["day"] for each in said]
    for row, each in zip(reversed(rows), said, strict=True):
        assert number(row[1]) == each["rounds"]
        assert number(row[4]) == Decimal(each["ggr_real"]) + Decimal(each["ggr_bonus"])
        assert number(row[5]) == round(Decimal(each["rtp"]) * 100, 2)
    whole = next(row for row in tables(analyst)[BY_CURRENCY] if row[0] == "EUR")
    assert rows[0][6:] == whole[5:8]
    returns, revenue = analyst.execute_script(PLOTS)
    assert returns["days"] == revenue["days"]
    assert (returns["days"][0], returns["days"][-1]) == (said[0]["day"], day(0))
    assert [each["label"] for each in returns["series"]] == [
        "Return since the first day",
        "Theoretical return",
        "Most by chance",
        "Least by chance",
    ]
    assert returns["bands"] == [[3, 4]]
    assert round(returns["series"][0]["values"][-1], 2) == float(number(rows[0][6]))
    low, _, high = rows[0][7].partition(" to ")
    assert round(returns["series"][3]["values"][-1], 2) == float(number(low))
    assert round(returns["series"][2]["values"][-1], 2) == float(number(high))
    until(
        analyst,
        lambda: len(analyst.find_elements("css selector", "figure.plot canvas")) == 2,
        "the plots",
    )


def test_of_a_game_that_says_not_enough_the_page_says_what_is_missing(
    analyst: WebDriver, service: Service
) -> None:
    show(analyst, service, BARE)
    note = find(analyst, analyst, ".note").text
    assert "the catalogue lacks its volatility." in note
    assert "theoretical_rtp" in note
    assert "Standard errors" not in find(analyst, analyst, "main").text
    returns, _ = analyst.execute_script(PLOTS)
    assert [each["label"] for each in returns["series"]][1:] == ["Theoretical return"]
    assert "bands" not in returns
    show(analyst, service, CERTAIN)
    assert "nothing in it is left to chance" in find(analyst, analyst, ".note").text
    show(analyst, service, "many-00")
    assert "Nothing was played" in find(analyst, analyst, ".empty").text


def test_the_entry_says_which_update_set_each_field(
    analyst: WebDriver, service: Service, catalogue_key: str
) -> None:
    show(analyst, service, FAIR)
    entry = {row[0]: row[1:] for row in tables(analyst)[ENTRY]}
    said = asked(service, catalogue_key, f"games/{FAIR}")
    assert entry["Name"][::2] == ["Fair", "fair-1"]
    assert entry["Theoretical return to player"][::2] == ["95.00 %", "fair-2"]
    assert entry["Volatility"][::2] == ["2", "fair-2"]
    assert entry["Provider"] == [UNKNOWN, "never", ""]
    assert entry["Device"] == [UNKNOWN, "never", ""]
    assert entry["Free spins"] == [UNKNOWN, "never", ""]
    position = said["set_by"]["volatility"]["position"]
    by = [each.get_attribute("href") for each in analyst.find_elements("link text", "fair-2")]
    assert by == [f"{service.url}/console/log/event?position={position}"] * 2


def test_days_and_a_currency_are_chosen_with_the_form(analyst: WebDriver, service: Service) -> None:
    show(analyst, service, FAIR)
    assert find(analyst, analyst, "#by-day").text == "EUR by day"
    Select(find(analyst, analyst, "#days")).select_by_visible_text("28 days")
    Select(find(analyst, analyst, "#currency")).select_by_visible_text("SEK")
    find(analyst, analyst, "form.filters").submit()
    until(analyst, lambda: "days=28" in analyst.current_url, "the answer")
    assert find(analyst, analyst, "#by-day").text == "SEK by day"
    (row,) = tables(analyst)[BY_DAY]
    assert (row[0], row[4]) == (day(2), "10.00")
    click(analyst, analyst.find_element("link text", "EUR"))
    until(analyst, lambda: find(analyst, analyst, "#by-day").text == "EUR by day", "the other")
    assert [each[0] for each in tables(analyst)[BY_DAY]] == [day(0), day(2)]
    show(analyst, service, FAIR, day=day(3), days="365")
    assert [each[0] for each in tables(analyst)[BY_DAY]] == [day(40)]
    show(analyst, service, FAIR, currency="JPY")
    assert "Nothing was played in JPY" in find(analyst, analyst, ".empty").text


def test_a_game_leads_to_its_rounds_of_a_day(analyst: WebDriver, service: Service) -> None:
    show(analyst, service, LUCKY)
    assert analyst.find_elements("link text", "Its updates in the log")
    click(analyst, analyst.find_element("link text", day(2)))
    until(analyst, lambda: "/console/rounds?" in analyst.current_url, "the rounds")
    rounds = analyst.find_elements("css selector", "main tbody tr")
    assert len(rounds) == 41  # one in SEK
    assert {each.find_elements("css selector", "td")[2].text for each in rounds} == {"Lucky"}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"day": "yesterday"}, 'id="day-fault">must be a date like 2025-01-15'),
        ({"day": "0001-01-01"}, 'id="day-fault">must be a date like 2025-01-15'),
        ({"day": "9999-12-31"}, 'id="day-fault">must be a date like 2025-01-15'),
        ({"days": "7<b>"}, 'id="days-fault">must be one of 28, 90, 365'),
    ],
)
def test_what_is_no_day_is_a_fault_at_its_field(
    service: Service, catalogue_key: str, given: dict[str, str], fault: str
) -> None:
    with client_of(service) as client:
        enter(client, catalogue_key)
        answer = client.get("/console/games/game", params={"id": LUCKY, **given})
        assert answer.status_code == 422
        assert fault in answer.text
        assert "Catalogue entry" in answer.text
        assert "7<b>" not in answer.text
        unknown = client.get("/console/games/game", params={"id": "no <b> such"})
        assert unknown.status_code == 404
        assert "No event names a game with this id." in unknown.text
        assert "no <b> such" not in unknown.text
