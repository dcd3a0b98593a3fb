"""Gaming days over HTTP: dates in `from` and `to` of all queries."""

import re
from typing import Any

import anyio.to_thread
import pytest

from api.querying.positions import Positions
from domain.gaming_day import DayRule
from projections.days import set_rule
from tests.projections.rebuilding import rebuild
from tests.queries.asgi import Api
from tests.queries.casino import Casino, OpenCasino, bet, deposit

# By Copenhagen at 06:00 the 15th lasts from 5:00 to 5:00 in UTC.
BEFORE, FIRST, LAST, AFTER = (
    "2025-01-15T04:59:59.999999Z",
    "2025-01-15T05:00:00Z",
    "2025-01-16T04:59:59.999999Z",
    "2025-01-16T05:00:00Z",
)
COPENHAGEN = DayRule("Europe/Copenhagen", 6 * 60)


def played() -> list[dict[str, Any]]:
    moments = {"before": BEFORE, "first": FIRST, "last": LAST, "after": AFTER}
    return [
        make(unique_id=f"{kind}-{name}", timestamp=at, **more)
        for name, at in moments.items()
        for kind, make, more in (("b", bet, {"round_id": name}), ("d", deposit, {}))
    ]


def set_days(casino: Casino, rule: DayRule) -> None:
    with casino.pool.connection() as connection:
        assert set_rule(connection, casino.tenant.tenant_id, rule)


@pytest.fixture(scope="module")
def copenhagen(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    set_days(casino, COPENHAGEN)
    casino.fill(played())
    return casino


def test_activity_is_by_gaming_day(copenhagen: Casino) -> None:
    days = [(row["day"], row["rounds"]) for row in copenhagen.items("activity")]
    assert days == [("2025-01-14", 1), ("2025-01-15", 2), ("2025-01-16", 1)]
    [one] = copenhagen.items("activity", from_="2025-01-15", to="2025-01-16")
    assert (one["day"], one["bets"]) == ("2025-01-15", 2)
    # Times are about the beginning of a day, as ever.
    assert copenhagen.items("activity", from_=FIRST, to=AFTER) == [one]
    assert copenhagen.items("activity", from_=BEFORE, to=LAST) == [one]
    later = copenhagen.items("activity", from_="2025-01-15T05:00:01Z")
    assert [row["day"] for row in later] == ["2025-01-16"]
    games = copenhagen.items(
        "activity", from_="2025-01-15", to="2025-01-16", group_by="game,currency"
    )
    assert [row["bets"] for row in games] == [2]


@pytest.mark.parametrize("path", ["rounds", "transactions", "history"])
def test_a_date_is_the_beginning_of_its_gaming_day(copenhagen: Casino, path: str) -> None:
    by_day = copenhagen.items(path, from_="2025-01-15", to="2025-01-16")
    assert by_day == copenhagen.items(path, from_=FIRST, to=AFTER)
    assert len(by_day) == (4 if path == "history" else 2)
    assert len(copenhagen.items(path, to="2025-01-15")) == (2 if path == "history" else 1)


def test_a_date_is_midnight_in_utc_where_nothing_is_set(casino: Casino) -> None:
    casino.fill(
        [
            bet(round_id="a", timestamp="2025-01-14T23:59:59.999999Z"),
            bet(round_id="b", timestamp="2025-01-15T00:00:00Z"),
        ]
    )
    assert [row["round_id"] for row in casino.items("rounds", from_="2025-01-15")] == ["b"]
    assert [row["day"] for row in casino.items("activity", to="2025-01-15")] == ["2025-01-14"]


def test_the_days_that_are_shown_are_the_old_ones_until_the_switch(casino: Casino) -> None:
    casino.fill(played())
    set_days(casino, COPENHAGEN)
    # The last moment of the 15th is on the 16th in UTC.
    asked = {"from_": "2025-01-16", "to": "2025-01-17"}
    assert [row["bets"] for row in casino.items("activity", **asked)] == [2]
    assert len(casino.items("rounds", **asked)) == 2
    rebuild(casino.pool, casino.tenant.tenant_id)
    assert [row["bets"] for row in casino.items("activity", **asked)] == [1]
    assert len(casino.items("rounds", **asked)) == 1


def test_pages_go_on_with_the_dates_that_were_asked_for(copenhagen: Casino) -> None:
    asked = {"from_": "2025-01-14", "to": "2025-01-17"}
    walked = copenhagen.all("rounds", limit=1, **asked)
    assert [row["round_id"] for row in walked] == ["after", "last", "first", "before"]
    cursor = copenhagen.get("rounds", limit=1, **asked).json["next_cursor"]
    answer = copenhagen.get("rounds", limit=1, cursor=cursor, **asked | {"to": AFTER})
    assert answer.status == 422


@pytest.mark.parametrize(
    "text", ["2025-02-30", "2025-1-5", "2025-01", "20250115", "2025-01-15 ", "heute"]
)
def test_what_is_no_date_is_a_fault(casino: Casino, text: str) -> None:
    answer = casino.get("rounds", from_=text)
    assert answer.status == 422
    [fault] = answer.json["errors"]
    assert (fault["parameter"], fault["code"]) == ("from", "not_a_timestamp")


def test_only_from_and_to_take_dates(casino: Casino) -> None:
    answer = casino.get("balances", player_id="p", as_of="2025-01-15")
    assert answer.status == 422


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_date_there_are(copenhagen: Casino, text: str) -> None:
    for path in ("rounds", "activity", "history"):
        for name in ("from_", "to"):
            assert copenhagen.get(path, **{name: text}).status == 200


@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
@pytest.mark.parametrize("path", ["rounds", "activity", "reports/accounts"])
def test_dates_are_of_the_days_that_are_shown_after_a_wait(
    casino: Casino, patient: Api, monkeypatch: pytest.MonkeyPatch, path: str, media_type: str
) -> None:
    casino = casino._replace(api=patient)
    position = casino.fill(played())
    set_days(casino, COPENHAGEN)
    asked = {"from_": "2025-01-15", "to": "2025-01-16", "headers": {"accept": media_type}}
    reached = Positions.reached

    async def switch_and_reach(self: Positions, *awaited: Any, **more: Any) -> bool:
        """While the request waits the days are switched, and what it waits for is recorded."""
        await anyio.to_thread.run_sync(rebuild, casino.pool, casino.tenant.tenant_id)
        await anyio.to_thread.run_sync(casino.fill, [deposit(timestamp="2026-01-01T00:00:00Z")])
        return await reached(self, *awaited, **more)

    monkeypatch.setattr(Positions, "reached", switch_and_reach)
    waited = casino.get(path, at_least=position + 1, **asked)
    assert (waited.status, waited.position) == (200, position + 1)
    assert _rows(waited.body) == _rows(casino.get(path, **asked).body)


def _rows(body: bytes) -> bytes:
    """Leave out when a report was made."""
    return re.sub(rb'"?generated_at"?[:,]"?[^",]*"?', b"", body)


@pytest.mark.parametrize(
    "path",
    [
        *("reports/accounts", "reports/statement", "reports/restated", "reports/significant"),
    ],
)
def test_a_report_of_a_period_that_ends_before_it_begins_is_refused(
    copenhagen: Casino, path: str
) -> None:
    more = {"player_id": "p"} if path == "reports/statement" else {}
    for begin, end in (
        ("2025-01-16", "2025-01-15"),
        (AFTER, FIRST),
        ("2025-01-15", BEFORE),  # the day begins a microsecond later
        (AFTER, "2025-01-15"),
    ):
        answer = copenhagen.get(path, from_=begin, to=end, **more)
        assert answer.status == 422, (begin, end)
        [fault] = answer.json["errors"]
        assert (fault["parameter"], fault["code"]) == ("to", "contradictory")
    for begin, end in (("2025-01-15", "2025-01-15"), ("2025-01-15", FIRST), (FIRST, FIRST)):
        answer = copenhagen.get(path, from_=begin, to=end, **more)
        assert answer.status == 200
        assert (answer.json.get("items") or answer.json.get("rows") or []) == []
