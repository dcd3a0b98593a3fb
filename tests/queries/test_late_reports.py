"""What came late: days that are restated, and what is significant, by when each event was recorded."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.gaming_day import DayRule
from projections.days import set_rule
from projections.reports import late as late_module
from projections.reports import shape
from tests.databases import Database
from tests.evidence.tampering import superuser
from tests.model import reports as expected
from tests.model.values import minus, total
from tests.queries.casino import Casino, Item, OpenCasino, bet, deposit, item

COPENHAGEN = DayRule("Europe/Copenhagen", 6 * 60)
# By Copenhagen at six 15 January begins at 5:00 in UTC.
DAY_14, DAY_15, DAY_16 = (f"2025-01-{day}T12:00:00Z" for day in (14, 15, 16))

SENT: Sequence[tuple[str, Item]] = (
    ("2025-01-14T12:00:01Z", deposit(unique_id="in time", amount=100, timestamp=DAY_14)),
    ("2025-01-15T04:59:59Z", bet(unique_id="just in time", amount=3, timestamp=DAY_14)),
    ("2025-01-15T05:00:00Z", bet(unique_id="late", amount=5, timestamp=DAY_14)),
    ("2025-01-15T12:00:00Z", bet(unique_id="day 15", amount=7, timestamp=DAY_15)),
    (
        "2025-01-16T06:00:00Z",
        bet(unique_id="later", amount=20, is_win=True, timestamp="2025-01-15T04:59:59Z"),
    ),
    ("2025-01-16T12:00:00Z", bet(unique_id="day 16", amount=11, timestamp=DAY_16)),
    (
        "2025-01-18T12:00:00Z",
        bet(unique_id="of others", amount=1, timestamp=DAY_14, player_id="q", currency="SEK"),
    ),
    (
        "2025-01-18T12:00:01Z",
        item("player", player_id="q", is_blocked=True, unique_id="blocked", timestamp=DAY_14),
    ),
    (
        "2025-01-18T12:00:02Z",
        item("player", player_id="q", consent_email=None, unique_id="told", timestamp=DAY_15),
    ),
    ("2025-01-18T12:00:03Z", item("player", player_id="q", country="DK", timestamp=DAY_15)),
)


@pytest.fixture(scope="module")
def late(new_casino: OpenCasino, database: Database) -> Casino:
    casino = new_casino()
    with casino.pool.connection() as connection:
        set_rule(connection, casino.tenant.tenant_id, COPENHAGEN)
    casino.fill([sent for _, sent in SENT])
    # Nobody may do that: as if it had been recorded then.
    with superuser(database) as admin:
        for position, (recorded_at, _) in enumerate(SENT, start=1):
            admin.execute(
                "update roundbook.events set recorded_at = %s where tenant_id = %s and position = %s",
                [recorded_at, casino.tenant.tenant_id, position],
            )
    return casino


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def restated(known_at: date | None = None) -> list[dict[str, Any]]:
    """Go through all that was sent, as a person would."""
    rows = []
    for day in (date(2025, 1, 14), date(2025, 1, 15), date(2025, 1, 16)):
        begin = moment(f"{day}T05:00:00Z")
        closed = moment(f"{max(day, known_at or day)}T05:00:00Z") + timedelta(days=1)
        of_day = [
            (moment(recorded_at), sent["data"])
            for recorded_at, sent in SENT
            if "amount" in sent["data"]
            and begin <= moment(sent["data"]["timestamp"]) < begin + timedelta(days=1)
        ]
        for currency in ("EUR", "SEK"):
            mine = [each for each in of_day if each[1]["currency"] == currency]
            came_late = [data for recorded_at, data in mine if recorded_at >= closed]
            in_time = [data for recorded_at, data in mine if recorded_at < closed]
            if came_late:
                rows.append(
                    {
                        "day": day.isoformat(),
                        "known_at": max(day, known_at or day).isoformat(),
                        "currency": currency,
                        "known": figures(in_time),
                        "now": figures([data for _, data in mine]),
                        "changed": figures(came_late),
                        "late": len(came_late),
                        "events": [data["unique_id"] for data in came_late],
                    }
                )
    return rows


def figures(items: Sequence[dict[str, Any]]) -> dict[str, str]:
    def amounts(**members: Any) -> Any:
        chosen = [each for each in items if members.items() <= each.items()]
        return total(*(Decimal(each["amount"]) for each in chosen))

    bets, wins = amounts(is_win=False), amounts(is_win=True)
    shown = {
        "deposits": amounts(method="card"),
        "withdrawals": Decimal(0),
        "bets": bets,
        "wins": wins,
        "ggr": total(bets, minus(wins)),
    }
    return {name: expected.plain(amount) for name, amount in shown.items()}


def test_days_that_changed_are_shown_as_known_then_and_now(late: Casino) -> None:
    found = late.get("reports/restated").json
    assert found["rows"] == restated()
    assert [(row["day"], row["events"]) for row in found["rows"]] == [
        ("2025-01-14", ["late", "later"]),
        ("2025-01-14", ["of others"]),
    ]
    assert found["rows"][0]["known"]["ggr"] == "3"
    assert found["rows"][0]["now"]["ggr"] == "-12"


@pytest.mark.parametrize("known_at", [date(2025, 1, 13), date(2025, 1, 15), date(2025, 1, 17)])
def test_they_are_shown_as_known_at_the_end_of_a_later_day(late: Casino, known_at: date) -> None:
    found = late.get("reports/restated", known_at=known_at).json["rows"]
    assert found == restated(known_at)
    assert found


def test_only_the_days_that_are_asked_for(late: Casino) -> None:
    assert late.get("reports/restated", to="2025-01-14").json["note"] == "No Activity"
    assert late.get("reports/restated", from_="2025-01-15").json["rows"] == []
    one = late.get("reports/restated", from_="2025-01-14", to="2025-01-15").json["rows"]
    assert one == restated()


def test_a_day_is_one_row_however_much_came_late(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape, "MOST_ROWS", 20)
    casino.fill([bet(unique_id=f"{n:03}", amount=2, player_id=f"p{n}") for n in range(150)])
    [row] = casino.get("reports/restated").json["rows"]
    assert (row["late"], row["changed"]["bets"], row["known"]["bets"]) == (150, "300", "0")
    assert row["events"] == [f"{n:03}" for n in range(100)]
    monkeypatch.setattr(shape, "MOST_READ", 149)
    monkeypatch.setattr(late_module, "MOST_READ", 149)
    assert casino.get("reports/restated").status == 422
    # Each is a row there.
    assert casino.get("reports/significant", kind="late").status == 422


def test_what_will_be_known_at_the_end_of_a_day_is_not_known_yet(late: Casino) -> None:
    today = datetime.now(UTC).date()
    for known_at in (today, today + timedelta(days=1), date.max):
        answer = late.get("reports/restated", known_at=known_at)
        assert answer.status == 422
        [fault] = answer.json["errors"]
        assert (fault["parameter"], fault["code"]) == ("known_at", "not_ended")
    assert late.get("reports/restated", known_at=today - timedelta(days=2)).status == 200


def significant(casino: Casino, **asked: Any) -> list[Any]:
    answer = casino.get("reports/significant", **asked)
    assert answer.status == 200, answer.body
    rows: list[Any] = answer.json["rows"]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    return rows


def test_late_items_are_significant(late: Casino) -> None:
    rows = significant(late, kind="late")
    assert [(row["unique_id"], row["position"], row["amount"]) for row in rows] == [
        ("late", 3, "5"),
        ("of others", 7, "1"),
        ("later", 5, "20"),
    ]
    assert {row["detail"] for row in rows} == {
        "BetPlaced was recorded when the gaming day 2025-01-14 had ended",
        "WinPaid was recorded when the gaming day 2025-01-14 had ended",
    }
    assert significant(late, kind="late", from_="2025-01-15") == []


def test_wins_from_a_threshold_on_are_significant(late: Casino) -> None:
    assert significant(late, kind="win") == []
    [row] = significant(late, kind="win", threshold=20)
    assert (row["unique_id"], row["amount"], row["currency"]) == ("later", "20", "EUR")
    assert significant(late, kind="win", threshold=20.000001) == []
    # It happened a second before the gaming day ended.
    assert significant(late, kind="win", threshold=1, to="2025-01-15") == [row]
    assert significant(late, kind="win", threshold=1, to="2025-01-15T04:59:59Z") == []
    assert significant(late, kind="win", threshold=1, from_="2025-01-15T04:59:59Z") == [row]
    assert significant(late, kind="win", threshold=1, from_="2025-01-15") == []


def test_blocks_and_consents_are_told_by_when_they_were_recorded(late: Casino) -> None:
    [row] = significant(late, kind="block,consent")
    assert (row["kind"], row["player_id"], row["unique_id"], row["detail"]) == (
        *("block", "q", "blocked"),
        "is_blocked: true",
    )
    assert row["at"] == "2025-01-18T12:00:01Z"
    assert significant(late, kind="block", from_="2025-01-18T12:00:01Z", to="2025-01-19") == [row]
    assert significant(late, kind="block", to="2025-01-18T12:00:01Z") == []
    assert significant(late, kind="block", from_="2025-01-14", to="2025-01-15") == []


def test_only_what_changed_of_blocks_and_consents_is_significant(casino: Casino) -> None:
    def told(name: str, hour: int, **said: bool | None) -> Item:
        at = f"2025-01-15T{hour:02}:00:00Z"
        return item("player", player_id="p", unique_id=name, timestamp=at, **said)

    casino.fill(
        [
            told("nothing", 1, is_blocked=None, consent_email=False),
            told("not blocked", 2, is_blocked=False),
            told("blocked", 4, is_blocked=True, consent_email=True),
            told("before that", 3, is_blocked=False),
            told("still", 5, is_blocked=True),
            told("no more", 6, is_blocked=None),
            told("not either", 7, is_blocked=False),
            told("of no more consent", 8, consent_email=None),
            item("player", player_id="is_blocked", country="DK"),
        ]
    )
    rows = significant(casino, kind="block,consent")
    assert {(row["kind"], row["unique_id"], row["detail"]) for row in rows} == {
        ("block", "blocked", "is_blocked: true"),
        ("block", "no more", "is_blocked: null"),
        ("consent", "blocked", "consent_email: true"),
        ("consent", "of no more consent", "consent_email: null"),
    }
    # What was recorded before the period counts for what changed in it.
    with casino.pool.connection() as connection:
        found = connection.execute("select clock_timestamp() as now").fetchone()
    assert found is not None
    casino.fill(
        [told("again", 9, is_blocked=False), told("anew", 10, consent_email=True, is_blocked=True)]
    )
    later = significant(casino, kind="block,consent", from_=found[0].isoformat())
    assert [row["unique_id"] for row in later] == ["anew", "anew"]


def test_conflicts_and_keys_are_significant(casino: Casino) -> None:
    casino.fill([bet(unique_id="twice", amount=1)])
    casino.send([bet(unique_id="twice", amount=2)])
    [conflict] = significant(casino, kind="conflict")
    assert (conflict["unique_id"], conflict["position"]) == ("twice", 1)
    [made] = significant(casino, kind="key")
    assert made["detail"].endswith("was made, with the scopes ingest, read, audit, operate")
    assert [row["kind"] for row in significant(casino)] == ["late", "key", "conflict"]
    assert significant(casino, kind="conflict,key", to="2025-01-15") == []


def test_items_that_were_refused_are_significant(casino: Casino) -> None:
    row = [casino.tenant.tenant_id, b"h" * 32]
    with casino.pool.connection() as connection:
        connection.execute(
            "insert into roundbook.refused_items (tenant_id, content_hash, received_at, last_received_at,"
            " times, dialect, unique_id, event, player_ids, faults)"
            " values (%s, %s, now(), now(), 2, 'roundbook', 'u-bad', 'deposit', '{}', '[]')",
            row,
        )
    [refused] = significant(casino, kind="refused")
    assert (refused["unique_id"], refused["position"]) == ("u-bad", None)
    assert refused["detail"] == "an invalid item deposit was left out, sent 2 times"
    assert significant(casino, kind="refused", to="2025-01-15") == []
