"""History: the log as it was sent, byte for byte, whatever part of it is asked for."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.routes import history as history_route
from app.log import history, newest
from domain.instant import format_instant
from tests.model import Model, instant
from tests.queries.casino import NOON, Casino, OpenCasino, bet, deposit, item, rollback
from tests.queries.ndjson import NDJSON, entries, lines
from tests.queries.test_parameters import faults
from tests.strategies import EVENTS, WireItem, batches, body, ids

PLAYERS = ["p1", "p2"]
GAMES = ["g1", "g2"]
TIMES = [f"2025-01-15T12:00:{second:02}Z" for second in range(0, 50, 5)]


@pytest.fixture(scope="module")
def mixed(new_casino: OpenCasino) -> tuple[Casino, list[Any]]:
    """A tenant with all kinds of events, at times out of order, and its whole history."""
    casino = new_casino()
    kinds = [
        "gameround",
        "deposit",
        "login",
        "gameround",
        "game",
        "player",
        "withdraw",
        "gameround",
        "rollback",
        "roundend",
    ]
    items = []
    for number in range(240):
        at = {"timestamp": TIMES[number * 7 % len(TIMES)]}
        player = {"player_id": PLAYERS[number // 3 % 2], **at}
        match kinds[number % len(kinds)]:
            case "gameround":
                items.append(bet(is_win=number % 5 == 0, **player))
            case "rollback":
                items.append(rollback(is_win=number % 3 == 0, **player))
            case "roundend":
                items.append(item("roundend", game_id="g", round_id="r", **player))
            case "game":
                items.append(item("game", game_id=GAMES[number // 16 % 2], **at))
            case "deposit" | "withdraw" as kind:
                items.append({**deposit(**player), "event": kind})
            case kind:
                items.append(item(kind, **player))
    casino.send(items)
    whole = casino.items("history", limit=1000)
    assert [entry["data"] for entry in whole] == [each["data"] for each in items]
    return casino, whole


def wanted(entry: Any, asked: dict[str, Any]) -> bool:
    at = instant(entry["data"]["timestamp"])
    return (
        asked.get("player_id") in {None, entry["stream"].removeprefix("player:")}
        and asked.get("game_id") in {None, entry["stream"].removeprefix("game:")}
        and asked.get("event") in {None, entry["event"]}
        and ("from" not in asked or at >= instant(asked["from"]))
        and ("to" not in asked or at < instant(asked["to"]))
        and asked.get("from_position", 0) <= entry["position"]
        and entry["position"] <= asked.get("to_position", 2**63)
    )


filters = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from(EVENTS),
        "from": st.sampled_from(TIMES),
        "to": st.sampled_from(TIMES),
        "from_position": st.integers(0, 260),
        "to_position": st.integers(0, 260),
    },
)
streams: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"player_id": st.sampled_from([*PLAYERS, "g1"])}),
    st.fixed_dictionaries({"game_id": st.sampled_from([*GAMES, "p1"])}),
)


@given(asked=filters, stream=streams, limit=st.integers(1, 60), length=st.integers(1, 300))
@settings(max_examples=100)
def test_filters_let_through_what_they_say(
    mixed: tuple[Casino, list[Any]],
    asked: dict[str, Any],
    stream: dict[str, str],
    limit: int,
    length: int,
) -> None:
    casino, whole = mixed
    asked = {**asked, **stream}
    expected = [entry for entry in whole if wanted(entry, asked)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "STRETCH_EVENTS", length)
        patch.setattr(history, "_LINES_AT_ONCE", limit)
        assert casino.all("history", limit, **asked) == expected
        assert entries(casino.get("history", headers=NDJSON, **asked)) == expected
        patch.setattr(newest, "STRETCH_EVENTS", length)
        assert casino.all("history", limit, order="desc", **asked) == expected[::-1]


def test_the_newest_first_is_read_in_bounded_parts_of_the_log_too(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "STRETCH_EVENTS", 10)
    early = "2025-01-15T11:00:00Z"
    casino.send([bet(timestamp=early), deposit(timestamp=early), *(bet() for _ in range(34))])
    pages = list(casino.walk("history", 5, to=NOON, order="desc"))
    assert [[entry["position"] for entry in page] for page in pages] == [[], [], [], [2, 1]]


def test_what_is_recorded_meanwhile_is_not_in_a_walk_from_the_newest_back(casino: Casino) -> None:
    casino.send([deposit() for _ in range(5)])
    page = casino.get("history", order="desc", limit=2).json
    casino.send([deposit()])
    rest = casino.get("history", order="desc", cursor=page["next_cursor"]).json
    walked = [entry["position"] for entry in [*page["items"], *rest["items"]]]
    assert walked == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None


def test_large_entries_fill_a_page_from_the_newest_back(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_route, "PAGE_BYTES", 2_500)
    casino.send([item("login", player_id="p", note="x" * 1_000) for _ in range(7)])
    pages = list(casino.walk("history", 100, order="desc"))
    assert [[entry["position"] for entry in page] for page in pages] == [[7, 6, 5], [4, 3, 2], [1]]


def test_the_neighbours_of_an_event_are_asked_for_by_its_stream_and_position(
    casino: Casino,
) -> None:
    casino.send([deposit(player_id="p" if number % 2 else "q") for number in range(9)])
    (before,) = casino.get("history", player_id="p", to_position=5, order="desc", limit=1).json[
        "items"
    ]
    (behind,) = casino.get("history", player_id="p", from_position=7, limit=1).json["items"]
    assert (before["position"], behind["position"]) == (4, 8)


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream", "text/csv"])
def test_a_stream_has_no_other_order(accept: str, casino: Casino) -> None:
    answer = casino.get("history", order="desc", headers={"accept": accept})
    assert faults(answer) == {("order", "pages_only")}


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream", "text/csv"])
def test_a_stream_may_be_asked_for_in_the_order_it_has(accept: str, casino: Casino) -> None:
    casino.send([deposit(), deposit()])
    usual = {"headers": {"accept": accept}, "to_position": 2}
    answer = casino.get("history", order="asc", **usual)
    assert answer.status == 200
    assert answer.body == casino.get("history", **usual).body


def test_a_page_reads_a_bounded_part_of_the_log(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STRETCH_EVENTS", 10)
    late = "2025-01-15T13:00:00Z"
    casino.send([*(bet() for _ in range(34)), bet(timestamp=late), deposit(timestamp=late)])
    pages = list(casino.walk("history", 5, from_=late))
    assert [[entry["position"] for entry in page] for page in pages] == [[], [], [], [35, 36]]


def test_a_long_stream_is_entered_at_its_position(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STRETCH_EVENTS", 8)
    casino.send([deposit(player_id="p" if number % 3 else "q") for number in range(200)])
    of_p = [position for position in range(1, 201) if (position - 1) % 3]
    for first in (1, 2, 3, 100, 101, 102, 199, 200, 201):
        found = casino.all("history", 5, player_id="p", from_position=first)
        assert [entry["position"] for entry in found] == [p for p in of_p if p >= first]
        assert [entry["version"] for entry in found] == [
            version for version, position in enumerate(of_p, start=1) if position >= first
        ]


# As it was sent


@given(batch=batches(max_size=6, player_ids=ids(), game_ids=ids()))
@settings(max_examples=40)
def test_data_is_as_it_was_sent_byte_for_byte(
    new_casino: OpenCasino, batch: list[WireItem]
) -> None:
    casino = new_casino()
    model = Model()
    model.ingest_body(body(batch))
    casino.send_body(body(batch))
    sent = {item.data["unique_id"]: item.data_text for item in reversed(batch)}
    page = casino.get("history", limit=1000)
    stream = casino.get("history", headers=NDJSON)
    decoded = msgspec.json.decode(page.body, type=dict[str, msgspec.Raw])
    in_pages = msgspec.json.decode(decoded["items"], type=list[dict[str, msgspec.Raw]])
    in_lines = [msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in lines(stream)]
    for found, entry, line in zip(in_pages, model.log.entries, in_lines, strict=True):
        text = sent[entry.unique_id].encode()
        assert bytes(found["data"]) == text
        assert bytes(line["data"]) == text.replace(b"\n", b" ").replace(b"\r", b" ")
        assert {**found, "data": b""} == {**line, "data": b""}
        assert msgspec.json.decode(found["stream"]) == entry.stream
        assert msgspec.json.decode(found["type"]) == entry.type


def test_a_line_is_the_entry_without_a_space_too_many(casino: Casino) -> None:
    data = b'{ "unique_id" : "u",\r\n\t"timestamp":"2025-01-15T12:00:00Z", "player_id":"p\\n\xe2\x80\xa8"}'
    casino.send_body(b'{"items": [{"event": "login", "data": ' + data + b"}]}")
    with casino.pool.connection() as connection:
        row = connection.execute(
            "select recorded_at from events where tenant_id = %s", [casino.tenant.tenant_id]
        ).fetchone()
    assert row is not None
    at: datetime = row[0]
    (line,) = lines(casino.get("history", headers=NDJSON))
    assert line == (
        b'{"position":1,"stream":"player:p\\n\xe2\x80\xa8","version":1,"event":"login","type":"LoggedIn",'
        b'"recorded_at":"' + format_instant(at).encode() + b'","data":'
        b'{ "unique_id" : "u",  \t"timestamp":"2025-01-15T12:00:00Z", "player_id":"p\\n\xe2\x80\xa8"}}\n'
    )
