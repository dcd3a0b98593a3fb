"""Reports: recomputed by the model, in all three forms, bound to one position, and reconciled."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from domain.gaming_day import DayRule
from projections.days import set_rule
from projections.reports import accounts as accounts_module
from projections.reports import shape
from tests.model import Model
from tests.model import reports as expected
from tests.model.days import Days
from tests.model.values import total
from tests.queries.asgi import Answer
from tests.queries.casino import Casino, OpenCasino, bet, deposit, item, rollback
from tests.queries.reporting import CURRENCIES, PLAYERS, days_of_play

COPENHAGEN = DayRule("Europe/Copenhagen", 6 * 60)
DAYS = Days("Europe/Copenhagen", 6 * 60)
FIRST, END = date(2025, 3, 29), date(2025, 3, 31)
REPORTS: dict[str, dict[str, Any]] = {
    "accounts": {},
    "revenue": {},
    "statement": {"player_id": PLAYERS[0]},
    "open-rounds": {},
    "rtp": {},
    "restated": {},
    "significant": {"kind": "late,win", "threshold": 2},
}
each_report = pytest.mark.parametrize("name", REPORTS)


class Played:
    """A tenant with some days of play, and the model of the same."""

    def __init__(self, casino: Casino) -> None:
        self.casino = casino
        with casino.pool.connection() as connection:
            set_rule(connection, casino.tenant.tenant_id, COPENHAGEN)
        items = days_of_play(7)
        casino.send(items)
        casino.project(chunk_events=41)
        self.model = Model()
        self.model.ingest((item["event"], json.dumps(item["data"])) for item in items)

    @property
    def entries(self) -> list[Any]:
        return self.model.log.entries

    def report(self, name: str, **asked: Any) -> Any:
        answer = self.casino.get(f"reports/{name}", **{**REPORTS[name], **asked})
        assert answer.status == 200, answer.body
        assert answer.json["log_position"] == answer.position == len(self.entries)
        return answer.json


@pytest.fixture(scope="module")
def played(new_casino: OpenCasino) -> Played:
    return Played(new_casino())


def test_accounts_are_what_the_model_says(played: Played) -> None:
    found = played.report("accounts", from_=FIRST, to=END)
    wanted = expected.accounts(played.entries, DAYS, FIRST, END)
    assert found["rows"] == wanted
    assert {row["day"] for row in wanted} == {"2025-03-29", "2025-03-30"}
    assert found["reconciled"] is True
    whole = played.report("accounts")
    assert whole["rows"] == expected.accounts(played.entries, DAYS, date.min, date.max)
    assert whole["reconciled"] is True
    mine = [row for row in wanted if (row["player_id"], row["currency"]) == ("p/2", "SEK")]
    asked = {"player_id": "p/2", "currency": "SEK", "from_": FIRST, "to": END}
    assert played.report("accounts", **asked)["rows"] == mine


def test_totals_of_accounts_are_the_sums_of_their_rows(played: Played) -> None:
    found = played.report("accounts", from_=FIRST, to=END)
    for each in found["totals"]:
        rows = [row for row in found["rows"] if row["currency"] == each["currency"]]
        assert each["accounts"] == len({row["player_id"] for row in rows})
        for kind in ("real", "bonus"):
            for member in ("deposits", "withdrawals", "bets", "wins", "rolled_back"):
                parts = [Decimal(row[kind][member]) for row in rows]
                assert each[kind][member] == expected.plain(total(*parts))


@pytest.mark.parametrize(
    "group_by",
    [
        *("day,currency", "month,currency", "game,currency", "provider,currency", "currency"),
        "day,game,provider,currency",
    ],
)
def test_revenue_is_what_the_model_says(played: Played, group_by: str) -> None:
    found = played.report("revenue", from_=FIRST, to=END, group_by=group_by)
    wanted = expected.revenue(played.entries, DAYS, FIRST, END, group_by.split(","))
    assert found["rows"] == wanted
    assert found["reconciled"] is True
    assert {check["difference"] for check in found["reconciliation"]} == {"0"}


def test_revenue_of_a_game_a_provider_a_currency(played: Played) -> None:
    all_games = played.report("revenue", group_by="game,provider,currency")["rows"]
    for asked in ({"game_id": "=roulette"}, {"provider": "Big"}, {"currency": "SEK"}):
        found = played.report("revenue", group_by="game,provider,currency", **asked)
        [(member, value)] = asked.items()
        assert found["rows"] == [row for row in all_games if row[member] == value] != []
        assert found["reconciled"] is True


def test_a_statement_is_what_the_model_says(played: Played) -> None:
    # 29 March by Copenhagen at six has 23 hours.
    begin = datetime(2025, 3, 29, 5, tzinfo=UTC)
    end = begin + timedelta(hours=23)
    for player_id in PLAYERS:
        for currency in CURRENCIES:
            asked = {"player_id": player_id, "currency": currency}
            found = played.report("statement", **asked, from_="2025-03-29", to="2025-03-30")
            wanted = expected.statement(played.entries, player_id, currency, begin, end)
            rows = [{name: row[name] for name in wanted[0]} for row in found["rows"]]
            names = {name for row in wanted for name in row}
            assert [
                {name: row[name] for name in names if name in want}
                for row, want in zip(found["rows"], wanted, strict=True)
            ] == wanted, rows
            assert found["reconciled"] is True
            [sums] = found["totals"]
            assert sums["closing_real"] == wanted[-1]["balance_real"]
            assert sums["movements"] == len(wanted)


def test_open_rounds_are_what_the_model_says(played: Played) -> None:
    found = played.report("open-rounds")
    wanted = expected.open_rounds(played.entries, datetime.max.replace(tzinfo=UTC))
    shown = [{name: row[name] for name in wanted[0]} for row in found["rows"]]
    assert sorted(shown, key=_by_round) == sorted(wanted, key=_by_round)
    begun = [datetime.fromisoformat(row["first_at"]) for row in found["rows"]]
    assert begun == sorted(begun)
    for each in found["totals"]:
        stakes = [row["stake_real"] for row in wanted if row["currency"] == each["currency"]]
        assert each["stake_real"] == expected.plain(total(*map(Decimal, stakes)))
        assert each["rounds"] == len(stakes)


def _by_round(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def test_open_rounds_by_their_age(casino: Casino) -> None:
    now = datetime.now(UTC)
    casino.fill(
        [
            bet(round_id="young", timestamp=(now - timedelta(hours=1)).isoformat(), amount=2),
            bet(round_id="old", timestamp=(now - timedelta(hours=30)).isoformat(), amount=3),
            bet(round_id="won", timestamp=(now - timedelta(hours=30)).isoformat()),
            bet(round_id="won", timestamp=now.isoformat(), is_win=True),
        ]
    )
    answer = casino.get("reports/open-rounds", older_than="1d").json
    [row] = answer["rows"]
    assert (row["round_id"], row["stake_real"]) == ("old", "3")
    assert 30 * 3_600 <= row["age_s"] < 31 * 3_600
    assert answer["totals"] == [
        {"currency": "EUR", "rounds": 1, "stake_real": "3", "stake_bonus": "0"}
    ]
    assert casino.get("reports/open-rounds", older_than="90m", game_id="h").json["rows"] == []
    for unfit in ("1", "h", "-1h", "1.5h", "0h", "1w"):
        assert casino.get("reports/open-rounds", older_than=unfit).status == 422


def test_returns_to_player_are_what_the_model_says(played: Played) -> None:
    found = played.report("rtp")
    wanted = expected.rtp(played.entries, DAYS)
    for row, want in zip(found["rows"], wanted, strict=True):
        near = row["deviation"] and round(float(row["deviation"]), 2)
        if want["deviation"] is None:
            assert near is None
        else:
            assert near == pytest.approx(want["deviation"], abs=0.02)
        assert {name: row[name] for name in want if name != "deviation"} == {
            name: value for name, value in want.items() if name != "deviation"
        }
    far = played.report("rtp", beyond=3)["rows"]
    assert far == [row for row in found["rows"] if row["flagged"]] != []
    big = played.report("rtp", provider="Big")["rows"]
    assert {row["game_id"] for row in big} == {"slots", "=roulette"}


@each_report
def test_a_header_says_what_it_is_of(played: Played, name: str) -> None:
    named = {**REPORTS[name], **({"from_": FIRST} if name != "open-rounds" else {})}
    found = played.report(name, **named)
    assert found["tenant"] == played.casino.tenant.name
    assert found["title"]
    begin = None if name == "open-rounds" else "2025-03-29T05:00:00Z"
    assert found["period"] == {
        "from": begin,
        "to": None,
        "time_zone": "Europe/Copenhagen",
        "day_starts": "06:00",
    }
    assert datetime.fromisoformat(found["generated_at"]) <= datetime.now(UTC)
    assert found["checkpoint_size"] is None, "nothing is sealed here"
    assert found["note"] is None
    if name == "statement":
        assert found["filters"] == {"player_id": PLAYERS[0]}
    if name == "significant":
        assert found["filters"] == {"kind": "late,win", "threshold": "2"}


@each_report
def test_where_nothing_is_it_says_so_in_all_forms(casino: Casino, name: str) -> None:
    asked = REPORTS[name]
    found = casino.get(f"reports/{name}", **asked).json
    assert (found["rows"], found["note"], found["log_position"]) == ([], "No Activity", 0)
    for media_type in ("text/csv", "text/html"):
        answer = ask(casino, name, media_type)
        assert answer.body.decode().count("No Activity") == 1


def ask(casino: Casino, name: str, media_type: str, **asked: Any) -> Answer:
    answer = casino.get(
        f"reports/{name}", headers={"accept": media_type}, **{**REPORTS[name], **asked}
    )
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith(media_type)
    return answer


def flat(row: Any, named: str = "") -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            cells |= flat(value, f"{named}{name}.")
        else:
            text = "|".join(value) if isinstance(value, list) else str(value)
            text = text.lower() if isinstance(value, bool) else text
            cells[named + name] = "" if value is None else text
    return cells


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all reports be made at one time: the age of a round is told in seconds."""
    now = datetime.now(UTC)
    monkeypatch.setattr("api.routes.reports._now", lambda: now)


@pytest.mark.usefixtures("stopped_clock")
@each_report
def test_csv_has_the_header_and_then_the_rows_of_json(played: Played, name: str) -> None:
    rows = [flat(row) for row in played.report(name)["rows"]]
    answer = ask(played.casino, name, "text/csv")
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="{name}-{answer.position}.csv"'
    )
    lines = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert len({len(line) for line in lines}) == 1, "RFC 4180: as many cells in each line"
    begin = next(n for n, line in enumerate(lines) if line[: len(rows[0])] == list(rows[0]))
    head = {name: value for name, value, *_ in lines[:begin]}
    assert head["tenant"] == played.casino.tenant.name
    assert head["log_position"] == str(answer.position)
    assert head["gaming days begin at"] == "06:00 Europe/Copenhagen"
    assert lines[begin + 1 :] == [
        ["'" + cell if cell[:1] in {"=", "+"} else cell for cell in row.values()] for row in rows
    ]
    raw = ask(played.casino, name, "text/csv", raw=True)
    assert list(csv.DictReader(io.StringIO(raw.body.decode(), newline=""))) == rows
    assert raw.body.endswith(b"\r\n")


class Page(HTMLParser):
    """What a page shows, and what it is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.texts: list[str] = []
        self.attributes: set[str] = set()
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "td":
            self.cells.append("")
            self.in_cell = True

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.in_cell:
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag != "td"


@pytest.mark.usefixtures("stopped_clock")
@each_report
def test_a_page_shows_the_rows_of_json_and_nothing_in_it_can_run(played: Played, name: str) -> None:
    found = played.report(name)
    answer = ask(played.casino, name, "text/html")
    text = answer.body.decode()
    page = Page(text)
    assert page.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "div", "dt", "dd"),
        *("table", "thead", "tbody", "tr", "th", "td", "p", "bdi", "wbr"),
    }
    assert not {each for each in page.attributes if each.startswith("on")}
    wanted = [cell for row in found["rows"] for cell in flat_page(row)]
    assert page.cells[: len(wanted)] == wanted
    assert found["tenant"] in "".join(page.texts)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = re.search("<style>(.*)</style>", text, re.DOTALL)
    assert style is not None
    assert f"'sha256-{hash_of(style[1])}'" in policy


def flat_page(row: Any) -> list[str]:
    words = {"true": "yes", "false": "no"}
    return [words.get(cell, _listed(cell)) for cell in flat(row).values()]


def _listed(cell: str) -> str:
    """The first five of a list, and how many there are."""
    parts = cell.split("|")
    more = f", … ({len(parts)} are named in JSON and CSV)" if len(parts) > 5 else ""
    return ", ".join(parts[:5]) + more


def hash_of(text: str) -> str:
    import base64  # noqa: PLC0415
    import hashlib  # noqa: PLC0415

    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_all_numbers_are_of_one_position(casino: Casino) -> None:
    """Also while others record: the rows, the sums and the position are of one snapshot."""
    casino.fill([deposit(amount=1)])
    casino.send([deposit(amount=5)])
    answer = casino.get("reports/accounts")
    assert (answer.position, answer.json["log_position"]) == (1, 1)
    assert answer.json["rows"][0]["real"]["closing"] == "1"
    assert casino.get("reports/accounts", at_least=2).status == 503
    casino.project()
    assert casino.get("reports/accounts", at_least=2).json["rows"][0]["real"]["closing"] == "6"


def test_what_does_not_add_up_is_shown(casino: Casino) -> None:
    casino.fill([deposit(amount=1), bet(amount=2)])
    with casino.pool.connection() as connection:
        connection.execute(
            "update balances set deposited = 8 where tenant_id = %s", [casino.tenant.tenant_id]
        )
        connection.execute(
            "update activity set bet_real = 5 where tenant_id = %s and game_id = ''",
            [casino.tenant.tenant_id],
        )
    accounts = casino.get("reports/accounts").json
    assert accounts["reconciled"] is False
    differing = {
        check["what"]: check["difference"]
        for check in accounts["reconciliation"]
        if check["difference"] != "0"
    }
    assert differing == {
        "real: opening + movements = closing, as balances have it": "-7",
        "bet_real of accounts = bet_real of games": "-3",
    }
    assert b"no, see the differences" in ask(casino, "accounts", "text/csv").body
    revenue = casino.get("reports/revenue", group_by="game,currency").json
    assert revenue["reconciled"] is False
    assert revenue["reconciliation"][0]["difference"] == "-3"


def test_a_report_that_would_be_too_long_is_refused(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (shape, accounts_module):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    answer = played.casino.get("reports/accounts")
    assert (answer.status, answer.json["type"]) == (422, "urn:roundbook:problem:report-too-long")
    assert answer.json["detail"].endswith("by its parameters: from, to, player_id, currency.")


def test_a_statement_is_as_long_as_its_movements(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as the periods of ten minutes in which they are."""
    casino.fill([deposit(timestamp=f"2025-01-15T12:00:{second:02}Z") for second in range(5)])
    monkeypatch.setattr(shape, "MOST_ROWS", 3)
    asked = {"player_id": "p", "from_": "2025-01-15T12:00:02Z"}
    assert len(casino.get("reports/statement", **asked).json["rows"]) == 3
    answer = casino.get("reports/statement", **asked | {"from_": "2025-01-15T12:00:01Z"})
    assert (answer.status, answer.json["type"]) == (422, "urn:roundbook:problem:report-too-long")
    detail = answer.json["detail"]
    assert detail.endswith("by its parameters: player_id, currency, from, to.")


@pytest.mark.parametrize("older_than", ["740000d", "999999999d", "999999999h"])
def test_no_round_is_older_than_time(casino: Casino, older_than: str) -> None:
    casino.fill([bet(timestamp="0001-01-02T00:00:00Z")])
    assert casino.get("reports/open-rounds").json["rows"] != []
    assert casino.get("reports/open-rounds", older_than="700000d").json["rows"] != []
    answer = casino.get("reports/open-rounds", older_than=older_than)
    assert (answer.status, answer.json["rows"]) == (200, [])


def test_bets_of_a_return_to_player_are_those_that_were_sent(casino: Casino) -> None:
    casino.fill(
        [
            item("game", game_id="g", theoretical_rtp=0.9, volatility=1),
            bet(unique_id="b", amount=2, timestamp="2025-01-14T12:00:00Z"),
            bet(unique_id="c", amount=2),
            rollback(reference="b", amount=2),
        ]
    )
    [before, after] = (
        casino.get("reports/rtp", from_=day, to=end).json["rows"]
        for day, end in (("2025-01-14", "2025-01-15"), ("2025-01-15", "2025-01-16"))
    )
    assert (before[0]["bets"], after[0]["bets"]) == (1, 1)
    assert (after[0]["bet"], after[0]["deviation"]) == ("0", None)
    # Over both days one bet is left by which the deviation is told: (0 - 0.9) / (1 / 1).
    [whole] = casino.get("reports/rtp").json["rows"]
    assert (whole["bets"], whole["bet"], whole["deviation"]) == (2, "2", "-0.9")


def test_months_have_four_digits_of_a_year(casino: Casino) -> None:
    casino.fill([bet(timestamp="0001-01-02T00:00:00Z")])
    [row] = casino.get("reports/revenue", group_by="month,currency").json["rows"]
    assert row["month"] == "0001-01"


def test_filters_are_written_plainly(casino: Casino) -> None:
    answer = casino.get("reports/rtp", beyond="1E+19")
    assert answer.json["filters"] == {"beyond": "1" + 19 * "0"}


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("revenue", {"group_by": "day"}, "adds_currencies"),
        ("revenue", {"group_by": "day,month,currency"}, "contradictory"),
        ("statement", {}, "missing"),
        ("rtp", {"beyond": "-1"}, "negative"),
        ("rtp", {"beyond": "x"}, "not_a_number"),
        ("accounts", {"limit": 5}, "unknown"),
        ("accounts", {"raw": True}, "csv_only"),
    ],
)
def test_parameters_are_read_strictly(
    casino: Casino, path: str, asked: dict[str, Any], code: str
) -> None:
    answer = casino.get(f"reports/{path}", **asked)
    assert answer.status == 422
    assert [error["code"] for error in answer.json["errors"]] == [code]


def test_an_unknown_report_and_another_form_are_refused(casino: Casino) -> None:
    assert casino.get("reports/nothing").status == 404
    refused = casino.get("reports/rtp", headers={"accept": "application/pdf"})
    assert refused.status == 406
    assert refused.json["offered"] == ["application/json", "text/csv", "text/html"]
