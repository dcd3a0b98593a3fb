"""Cursors: opaque, checked, bound to their query, and steady while data is written."""

import base64
import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.queries.asgi import Answer
from tests.queries.casino import Casino, OpenCasino, bet, deposit, item

FILTERS: dict[str, dict[str, Any]] = {
    "players": {"country": "DE"},
    "balances": {"currency": "EUR"},
    "rounds": {"from": "2025-01-01T00:00:00Z"},
    "transactions": {"type": "deposit"},
    "activity": {"group_by": "game,currency"},
    "games": {"q": "n"},
    "conflicts": {"to_position": 10},
    "history": {"event": "deposit"},
    "accesses": {"from": "2025-01-01T00:00:00Z"},
}


@pytest.fixture(scope="module")
def filled(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    items = []
    for number in range(4):
        items += [
            item("player", player_id=f"p{number}", country="DE"),
            item("game", game_id=f"g{number}", name="N"),
            bet(player_id=f"p{number}", game_id=f"g{number}"),
            deposit(unique_id=f"d{number}"),
        ]
    items += [deposit(unique_id=f"d{number}", amount=7) for number in range(4)]
    casino.fill(items)
    for _ in range(3):
        casino.get("history")
    return casino


def code(answer: Answer) -> str:
    assert answer.status == 422, answer.body
    (fault,) = answer.json["errors"]
    assert fault["parameter"] == "cursor"
    found: str = fault["code"]
    return found


def pack(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")


@pytest.mark.parametrize("route", FILTERS)
def test_a_cursor_belongs_to_its_query(route: str, filled: Casino, new_casino: OpenCasino) -> None:
    cursor = filled.get(route, limit=1).json["next_cursor"]
    assert filled.get(route, limit=3, cursor=cursor).status == 200
    assert code(filled.get(route, cursor=cursor, **FILTERS[route])) == "foreign_cursor"
    other = filled.get(route, limit=1, **FILTERS[route]).json["next_cursor"]
    assert code(filled.get(route, cursor=other)) == "foreign_cursor"
    assert filled.get(route, cursor=other, **FILTERS[route]).status == 200
    assert code(new_casino().get(route, cursor=cursor)) == "foreign_cursor"
    for another in set(FILTERS) - {route}:
        assert code(filled.get(another, cursor=cursor)).endswith("_cursor")


@pytest.mark.parametrize("route", FILTERS)
def test_a_forged_cursor_is_a_fault_of_its_sender(route: str, filled: Casino) -> None:
    cursor = filled.get(route, limit=1).json["next_cursor"]
    log, mark, place = msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=="))
    broken: list[Any] = ["\0", "", "x" * 256, -1, 2**63, 2**70, None, [], b"", 1.5]
    for value in broken:
        members = place if isinstance(place, list) else [place]
        for index in range(len(members)):
            forged = [*members[:index], value, *members[index + 1 :]]
            text = pack_any([log, mark, forged if isinstance(place, list) else forged[0]])
            answer = filled.get(route, cursor=text)
            assert code(answer) == "malformed_cursor", (value, index)
    without_log = pack([mark, place])  # as a version that knew of no logs gave them
    for text in (
        *(cursor + "=", cursor + "A", cursor[:-1], "=" + cursor),
        *(pack([mark]), pack(mark), without_log),
        *(pack([forged, mark, place]) for forged in (b"", log[:-1], log + b"x", "x", None, 1)),
        *(pack([log, forged, place]) for forged in (b"", mark[:-1], mark + b"x", None)),
    ):
        assert code(filled.get(route, cursor=text)) == "malformed_cursor"


def pack_any(value: Any) -> str:
    try:
        return pack(value)
    except OverflowError:  # beyond what msgpack can hold
        return "xxxx"


WRITTEN = 60


def test_walks_are_steady_while_data_is_written(casino: Casino) -> None:
    def play(prefix: str, numbers: range, day: int) -> list[dict[str, Any]]:
        moved: list[dict[str, Any]] = []
        for number in numbers:
            at = f"2025-01-{day:02}T00:{number % 60:02}:00Z"
            name = f"{prefix}{number:03}"
            moved += [
                bet(player_id=name, game_id=name, round_id=name, timestamp=at),
                deposit(player_id=name, timestamp=at),
            ]
        return moved

    casino.fill(play("b", range(WRITTEN), 10))
    before = {
        route: casino.all(route, 1000)
        for route in (
            *("players", "games", "balances", "rounds", "activity", "transactions"),
            "history",
        )
    }
    stop = threading.Event()

    def write() -> None:
        number = 0
        # Not for ever, or who walks may never arrive.
        while not stop.is_set() and number < 1_000:
            # Before, between and behind what was there, for each order.
            casino.fill(
                play("a", range(number, number + 5), 5) + play("c", range(number, number + 5), 20)
            )
            number += 5

    writer = threading.Thread(target=write)
    writer.start()
    try:
        walks = {route: casino.all(route, 7) for route in before}
    finally:
        stop.set()
        writer.join()
    for route, found in walks.items():
        texts = [msgspec.json.encode(row) for row in found]
        assert len(set(texts)) == len(texts), route
        known = {msgspec.json.encode(row) for row in before[route]}
        assert [text for text in texts if text in known] == [
            msgspec.json.encode(row) for row in before[route]
        ], route


def test_rows_of_the_same_moment_are_all_shown(casino: Casino) -> None:
    casino.fill([bet(round_id=f"r{number}") for number in range(25)])
    casino.fill([deposit() for _ in range(25)])
    for route in ("rounds", "transactions"):
        whole = casino.items(route)
        assert len(whole) == 25
        for limit in (1, 2, 24, 25):
            assert casino.all(route, limit) == whole


def test_places_are_exact_to_the_microsecond_from_year_1_to_9999(casino: Casino, pool: Any) -> None:
    moments = [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00.000001Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2025-01-15T12:00:00.123456Z",
        "2025-01-15T12:00:00.123457Z",
    ]
    casino.fill([bet(round_id=moment, timestamp=moment) for moment in moments])
    casino.fill([deposit(timestamp=moment) for moment in moments])
    newest_first = list(reversed(moments))
    assert [row["first_at"] for row in casino.all("rounds", 1)] == newest_first
    assert [row["timestamp"] for row in casino.all("transactions", 1)] == newest_first
    for index, moment in enumerate(moments):
        found = casino.items("rounds", from_=moment)
        assert [row["first_at"] for row in found] == newest_first[: len(moments) - index]
        found = casino.items("rounds", to=moment)
        assert [row["first_at"] for row in found] == newest_first[len(moments) - index :]
    (player,) = casino.items("players")
    assert player["first_seen"] == moments[0]
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    with pool.connection() as connection:
        connection.execute(
            "update rounds set first_at = %s where tenant_id = %s and round_id = %s",
            [last, casino.tenant.tenant_id, moments[0]],
        )
    found = casino.all("rounds", 1)
    assert found[0]["first_at"] == "9999-12-31T23:59:59.999999Z"
    assert len(found) == len(moments)
    end = casino.items("rounds", from_="9999-12-31T23:59:59.999999Z")
    assert [row["round_id"] for row in end] == [moments[0]]
