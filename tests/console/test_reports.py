"""The reports: all that the API has, as it says them."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys

from api.console.report_forms import REPORTS
from api.console.report_tables import COLUMNS, WORDS, table
from domain.balance import Movement
from domain.events import TYPES
from tests.browser import click, complaints, find, until
from tests.console.conftest import HOSTILE_IDS
from tests.console.pages import PAGES
from tests.console.visiting import client_of, enter, shown_ids, tables
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

REPORTS_OF_API = "/api/v1/reports/"
# Of programs, which know what they sent; `raw` is another link.
OF_NO_FORM = {"at_least", "log_id", "raw"}
OF_THE_DAY = [page for page in PAGES if page.name in REPORTS]
every_report = pytest.mark.parametrize("page", OF_THE_DAY, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def described(service: Service) -> Any:
    """The API's own description."""
    return httpx.get(service.url + "/schema/openapi.json", timeout=60).json()


@pytest.fixture(scope="module")
def client(service: Service, key: str) -> Iterator[httpx.Client]:
    """HTTP to the console, logged in."""
    with client_of(service) as opened:
        enter(opened, key)
        yield opened


def operations(described: Any) -> dict[str, Any]:
    """What the API says of each of its reports."""
    return {
        path.removeprefix(REPORTS_OF_API): item["get"]
        for path, item in described["paths"].items()
        if path.startswith(REPORTS_OF_API)
    }


def test_every_report_of_the_api_is_offered(
    visitor: WebDriver, service: Service, described: Any
) -> None:
    visitor.get(f"{service.url}/console/reports")
    links = visitor.find_elements("css selector", "main li a")
    offered = {str(link.get_attribute("href")).rpartition("/")[2] for link in links}
    assert offered == set(operations(described))


@pytest.mark.parametrize("name", REPORTS)
def test_every_parameter_of_a_report_is_offered(
    visitor: WebDriver, service: Service, described: Any, name: str
) -> None:
    parameters = {
        each["name"]: each
        for each in operations(described)[name]["parameters"]
        if each["in"] == "query" and each["name"] not in OF_NO_FORM
    }
    visitor.get(f"{service.url}/console/reports/{name}")
    fields = visitor.find_elements("css selector", "form.filters [name]")
    assert {field.get_attribute("name") for field in fields} == set(parameters)
    for field in fields:
        parameter = parameters[field.get_attribute("name")]
        assert bool(field.get_attribute("required")) == parameter["required"]
    for each in parameters.values():
        if each["schema"]["type"] == "array":
            boxes = [box for box in fields if box.get_attribute("name") == each["name"]]
            values = [box.get_attribute("value") for box in boxes]
            assert values == each["schema"]["items"]["enum"]


def test_every_column_of_a_report_has_a_name_for_people(described: Any) -> None:
    shapes = described["components"]["schemas"]

    def names(shape: Any) -> Iterator[str]:
        for name, member in resolved(shape)["properties"].items():
            inner = resolved(member)
            if "properties" in inner:
                yield from (f"{name}.{each}" for each in inner["properties"])
            else:
                yield name

    def resolved(shape: Any) -> Any:
        return shapes[shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape

    found = set[str]()
    for operation in operations(described).values():
        report = resolved(operation["responses"]["200"]["content"]["application/json"]["schema"])
        for part in ("rows", "totals", "reconciliation"):
            found |= {*names(report["properties"][part]["items"])}
    assert found == set(COLUMNS)


def test_every_movement_has_a_name_for_people() -> None:
    assert {topic for topic, kind in TYPES.items() if issubclass(kind, Movement)} <= set(WORDS)


@every_report
def test_a_report_shows_what_the_api_says(
    visitor: WebDriver, service: Service, key: str, page: Any
) -> None:
    visitor.get(service.url + page.path)
    with service.client(key) as api:
        report = api.get(page.path.replace("/console/", "/api/v1/")).json()
    assert report["rows"]
    shown = tables(visitor)
    rows = next(shown[caption] for caption in shown if "ows" in caption)
    assert len(rows) == min(len(report["rows"]), 100)
    assert len(shown.get("Totals by currency", [])) == len(report["totals"])
    assert len(shown.get("Reconciliation", [])) == len(report["reconciliation"])
    amounts = visitor.execute_script(
        "return [...document.querySelectorAll('main td data.amount')].map((each) => each.value)"
    )
    said = [report["totals"], report["rows"][:100], report["reconciliation"]]
    assert amounts == [amount for part in said for amount in of_kind("amount", part)]
    facts = find(visitor, visitor, ".facts").text
    assert f"{report['log_position']:,}" in facts
    assert f"sealed up to {report['checkpoint_size']:,}" in facts


def of_kind(kind: str, rows: list[Mapping[str, Any]]) -> Iterator[str]:
    of = table(rows)
    for row in of.rows:
        for name, column in of.columns.items():
            if column.kind == kind and row[name] is not None:
                yield row[name]


def test_what_stands_over_numbers_stands_to_the_right_as_they_do(
    visitor: WebDriver, service: Service
) -> None:
    visitor.get(f"{service.url}/console/reports/accounts?from=2025-01-15")
    over = visitor.find_elements("css selector", "thead .groups th")
    assert {each.text for each in over} == {"Real money", "Bonus money"}
    assert {each.value_of_css_property("text-align") for each in over} == {"right"}


def test_somebody_finds_a_statement_and_what_is_in_it(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/reports")
    click(visitor, visitor.find_element("link text", "Statement of a player"))
    find(visitor, visitor, "#player_id").send_keys("StQ-1", Keys.ENTER)
    until(visitor, lambda: "Rows" in tables(visitor), "the statement")
    first = tables(visitor)["Rows"][0]
    assert first[0] == "2025-01-15 06:01:30"
    assert first[3] == "Deposit"
    assert first[-5:] == ["100.00", "100.00", "0.00", "100.00", "0.00"]
    assert find(visitor, visitor, "#player_id").get_attribute("value") == "StQ-1"
    links = {
        str(link.get_attribute("href")).removeprefix(service.url)
        for link in visitor.find_elements("css selector", "main td a")
    }
    assert "/console/rounds/round?player_id=StQ-1&game_id=GD8&round_id=r1" in links
    assert "/console/games/game?id=btg%2Fbonanza" in links
    assert "/console/log/event?position=10" in links


def test_a_report_is_added_up_by_what_is_chosen(visitor: WebDriver, service: Service) -> None:
    visitor.get(f"{service.url}/console/reports/revenue?from=2025-01-15&to=2025-01-16")
    click(visitor, find(visitor, visitor, "input[value=day]"))
    click(visitor, find(visitor, visitor, "input[value=game]"))
    click(visitor, find(visitor, visitor, ".filters button"))
    until(visitor, lambda: "group_by" in visitor.current_url, "the other report")
    chosen = visitor.find_elements("css selector", "input[name=group_by]:checked")
    assert [box.get_attribute("value") for box in chosen] == ["game", "currency"]
    games = {row[0] for row in tables(visitor)["Rows"]}
    assert {"btg/bonanza", "GD8"} <= games
    assert {HOSTILE_IDS[1], HOSTILE_IDS[6]} <= games


def test_a_time_that_is_often_asked_for_is_one_click_away(
    visitor: WebDriver, service: Service
) -> None:
    visitor.get(f"{service.url}/console/reports/revenue?currency=EUR&from=2025-01-15")
    click(visitor, visitor.find_element("link text", "Today"))
    until(visitor, lambda: "to=" in visitor.current_url, "the report of today")
    assert "currency=EUR" in visitor.current_url
    assert "No activity" in find(visitor, visitor, ".empty").text


def test_of_what_a_busy_tenant_has_much_of_no_long_time_is_proposed(
    visitor: WebDriver, service: Service
) -> None:
    """A week of it would often be more than a report may have."""
    visitor.get(f"{service.url}/console/reports/significant")
    proposed = visitor.find_elements("css selector", ".spans a")
    assert [each.text for each in proposed] == ["Today", "Yesterday"]


def test_a_sum_across_currencies_is_a_fault_at_the_choice(
    visitor: WebDriver, service: Service
) -> None:
    visitor.get(f"{service.url}/console/reports/revenue")
    click(visitor, find(visitor, visitor, "input[value=currency]"))
    click(visitor, find(visitor, visitor, ".filters button"))
    until(visitor, lambda: "group_by=day" in visitor.current_url, "the answer")
    assert "must name currency" in find(visitor, visitor, ".choices .fault").text
    assert not find(visitor, visitor, "input[value=currency]").is_selected()
    complaints(visitor)  # of the status


@pytest.mark.parametrize(
    ("name", "parameters", "faulty"),
    [
        ("revenue", {"from": "yesterday"}, {"from"}),
        ("revenue", {"from": "2025-02-01", "to": "2025-01-01"}, {"to"}),
        ("revenue", {"group_by": "day,month,currency"}, {"group_by"}),
        ("revenue", {"group_by": "game"}, {"group_by"}),
        ("statement", {"from": "2025-01-15"}, {"player_id"}),
        ("significant", {"kind": "rumour", "threshold": "much"}, {"kind", "threshold"}),
        (
            "open-rounds",
            {"older_than": "long", "player_id": "x" * 256},
            {"older_than", "player_id"},
        ),
        ("rtp", {"beyond": "-1"}, {"beyond"}),
        ("restated", {"known_at": "9999-01-01"}, {"known_at"}),
    ],
)
def test_what_is_wrong_stands_at_its_field_as_the_api_says_it(
    visitor: WebDriver,
    service: Service,
    key: str,
    name: str,
    parameters: dict[str, str],
    faulty: set[str],
) -> None:
    visitor.get(f"{service.url}/console/reports/{name}?{urlencode(parameters)}")
    with service.client(key) as api:
        problem = api.get(REPORTS_OF_API + name, params=parameters)
    assert problem.status_code == 422
    faults = {each["parameter"]: each["detail"] for each in problem.json()["errors"]}
    assert set(faults) == faulty
    shown = visitor.find_elements("css selector", "main [aria-invalid]")
    described = {
        find(visitor, visitor, f"#{field.get_attribute('aria-describedby')}").text
        for field in shown
    }
    assert described == {*faults.values()}
    assert tables(visitor) == {}
    for parameter, given in parameters.items():
        if parameter not in {"group_by", "kind"}:
            assert find(visitor, visitor, f"#{parameter}").get_attribute("value") == given
    complaints(visitor)  # of the status


def test_a_report_that_is_too_long_for_a_page_says_where_all_of_it_is(
    visitor: WebDriver, service: Service
) -> None:
    visitor.get(f"{service.url}/console/reports/open-rounds?older_than=1h")
    (caption,) = (each for each in tables(visitor) if "rows" in each)
    assert caption.startswith("The first 100 of ")
    assert caption.endswith(" rows: all are in CSV and in print")


@every_report
def test_a_report_is_kept_as_the_api_writes_it(
    client: httpx.Client, service: Service, key: str, page: Any
) -> None:
    shown = client.get(page.path).text
    asked = page.path.replace("/console/", "/v1/").replace("&", "&amp;")
    alone = f"{asked}&amp;raw=true"
    for kind, path in (("csv", asked), ("csv", alone), ("html", asked)):
        assert f'href="/console/{kind}{path}"' in shown
    with service.client(key) as api:
        said = api.get("/api" + alone.replace("&amp;", "&"), headers={"accept": "text/csv"})
    kept = client.get("/console/csv" + alone.replace("&amp;", "&"))
    assert kept.content == said.content
    printed = client.get("/console/html" + asked.replace("&amp;", "&"))
    assert printed.headers["content-type"].startswith("text/html")
    assert REPORTS[page.name].title in printed.text


@pytest.mark.parametrize("player_id", HOSTILE_IDS, ids=lambda any_id: any_id[:12])
def test_ids_that_are_anything_are_shown_and_run_nothing(
    visitor: WebDriver, service: Service, player_id: str
) -> None:
    complaints(visitor)
    query = urlencode({"player_id": player_id})
    visitor.get(f"{service.url}/console/reports/statement?{query}")
    assert visitor.title == "Statement of a player · Roundbook"
    assert shown_ids(visitor).count(player_id) == 3  # the player, the game and the round
    assert find(visitor, visitor, "#player_id").get_attribute("value") == player_id
    assert complaints(visitor) == []


def test_a_report_that_there_is_not_is_no_page(client: httpx.Client) -> None:
    assert client.get("/console/reports/rumours").status_code == 404
