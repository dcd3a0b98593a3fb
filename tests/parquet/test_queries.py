"""The page of queries: each gives what the API says."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from api.parquet.exporting import export
from api.parquet.folder import Folder
from domain.item_types import EVENT_TYPES
from postgres.connections import connect
from tests.queries.casino import Casino

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
Answer = list[tuple[Any, ...]]


def blocks() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def opened(
    day: Casino, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample day, exported, with the views of the page."""
    folder = tmp_path_factory.mktemp("exports")
    with connect(database_url) as connection:
        list(export(connection, day.tenant, Folder(folder / "export"), None, after=None))
    with duckdb.connect() as duck:
        duck.execute(f"set file_search_path = '{folder}'")
        duck.execute("set TimeZone = 'UTC'")
        duck.execute(blocks()[0])
        yield duck


def summed(
    rows: list[dict[str, Any]], by: Callable[[Any], Any], *of: Callable[[Any], Any]
) -> Answer:
    sums: dict[Any, list[Any]] = {}
    for row in rows:
        held = sums.setdefault(by(row), [0] * len(of))
        for at, each in enumerate(of):
            held[at] += each(row)
    return sorted((*key, *values) for key, values in sums.items())


def revenue(day: Casino) -> Answer:
    shown = day.all("activity", 100, group_by="game,currency")
    return [
        (s["game_id"], s["currency"], Decimal(s["ggr_real"]), Decimal(s["ggr_bonus"]))
        for s in shown
    ]


def by_day(day: Casino) -> Answer:
    found = []
    for s in day.all("activity", 100, group_by="day,currency"):
        bet, won = (Decimal(s[f"{x}_real"]) + Decimal(s[f"{x}_bonus"]) for x in ("bet", "win"))
        rtp = pytest.approx(float(s["rtp"]), abs=1e-6)
        found.append((s["day"], s["currency"], s["bets"], s["wins"], bet, won, rtp))
    return found


def balances(day: Casino) -> Answer:
    return [(b["player_id"], b["currency"], Decimal(b["real"])) for b in day.all("balances", 100)]


def payments(day: Casino) -> Answer:
    return summed(
        day.all("transactions", 100),
        lambda t: (t["timestamp"][:10], t["type"], t["method"], t["currency"]),
        lambda _: 1,
        lambda t: Decimal(t["amount"]),
    )


def on_open_rounds(day: Casino) -> Answer:
    return summed(
        [each for row in day.all("rounds", 100, status="open") for each in row["sums"]],
        lambda s: (s["currency"],),
        lambda _: 1,
        lambda s: Decimal(s["bet_real"]),
        lambda s: Decimal(s["bet_bonus"]),
    )


def diamonds(day: Casino) -> Answer:
    return [
        (p["player_id"], p["country"], p["logins"], p["last_login"])
        for p in day.all("players", 100, tag="diamond")
    ]


def providers(day: Casino) -> Answer:
    return [(each["value"], each["count"]) for each in day.get("facets").json["provider"]]


def members(day: Casino) -> Answer:
    sent = Counter(each["event"] for each in day.all("history", 100))
    return sorted((e, n, n if e == "gameround" else 0) for e, n in sent.items())


EXPECTED = [
    *(revenue, revenue, by_day, balances, payments, on_open_rounds, diamonds, providers),
    members,
]


def plain(value: Any) -> Any:
    """Write a value of DuckDB's as JSON has it."""
    if hasattr(value, "tzinfo"):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_every_query_of_the_page_is_looked_at() -> None:
    assert len(blocks()) == 1 + len(EXPECTED)


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_it_gives_what_the_api_says(
    number: int, day: Casino, opened: duckdb.DuckDBPyConnection
) -> None:
    found = opened.execute(blocks()[number + 1]).fetchall()
    shown = [tuple(plain(value) for value in row) for row in found]
    expected = EXPECTED[number](day)
    assert expected
    assert shown == expected


def test_events_are_the_log(day: Casino, opened: duckdb.DuckDBPyConnection) -> None:
    found = opened.execute(
        "select position, stream, version, event, type, recorded_at, data from events order by 1"
    ).fetchall()
    shown = [(*map(plain, row[:-1]), json.loads(row[-1])) for row in found]
    entries = day.all("history", 100)
    names = ("position", "stream", "version", "event", "type", "recorded_at", "data")
    assert shown == [tuple(entry[name] for name in names) for entry in entries]
    assert {each[4] for each in shown} <= set(EVENT_TYPES)


def test_profiles_and_rounds_are_those_of_the_api(
    day: Casino, opened: duckdb.DuckDBPyConnection
) -> None:
    for kind in ("players", "games"):
        found = opened.execute(
            f"select * exclude (log_position, gaming_day) from {kind} order by 1"
        )
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, map(plain, row), strict=True)) for row in found.fetchall()]
        assert rows == day.all(kind, 100)
    found = opened.execute(
        "select player_id, game_id, round_id, status, mixed_currency, first_at, last_at, bet_count,"
        " win_count, currency, bet_real, bet_bonus, win_real, win_bonus from rounds order by all"
    )
    names = [column[0] for column in found.description or []]
    amounts = {"bet_real", "bet_bonus", "win_real", "win_bonus"}
    shown = [
        tuple(Decimal(v) if n in amounts else v for n, v in {**row, **sums}.items() if n in names)
        for row in day.all("rounds", 100)
        for sums in row["sums"]
    ]
    rows_found = [tuple(map(plain, row)) for row in found.fetchall()]
    assert sorted(rows_found, key=repr) == sorted(shown, key=repr)
