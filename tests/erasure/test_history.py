"""What readers of the log see of an event that was erased, and of the record of it."""

from typing import Any

import msgspec
import pytest

from app.log.history import HistoryFilters
from app.log.history_lines import replay
from app.wire.items import InvalidItemsError
from postgres.connections import Pool
from tests.erasure.conftest import WHY, Erase
from tests.queries.casino import Casino, Item, OpenCasino, deposit, item
from tests.queries.ndjson import NDJSON, entries, lines


class Seen:
    """A tenant in whose log 1 and 3 are erased by the record at 5; 4 is another player's."""

    def __init__(self, casino: Casino, erased: Erase) -> None:
        self.casino = casino
        self.sent: list[Item] = [
            item("player", player_id="p", username="Ada Example"),
            deposit(player_id="p"),
            item("login", player_id="p"),
            item("login", player_id="q"),
        ]
        casino.send(self.sent)
        self.before = casino.items("history")
        erased(casino.tenant)
        casino.send([item("login", player_id="p", unique_id="later")])
        self.whole = casino.items("history")


@pytest.fixture(scope="module")
def seen(new_casino: OpenCasino, erased: Erase) -> Seen:
    return Seen(new_casino(), erased)


def test_history_says_where_the_erasure_is_recorded(seen: Seen) -> None:
    gone = {"data": None, "erased": 5}
    assert [entry["position"] for entry in seen.whole] == [1, 2, 3, 4, 5, 6]
    for entry, was in zip(seen.whole, seen.before, strict=False):
        assert entry == was | (gone if entry["position"] in {1, 3} else {})
    record = seen.whole[4]
    assert record["data"] == {
        "positions": [1, 3],
        "reason": WHY.reason,
        "by": WHY.by,
        "at": record["recorded_at"],
    }
    assert {name: record[name] for name in ("stream", "version", "event", "type")} == {
        "stream": "player:p",
        "version": 4,
        "event": "erased",
        "type": "PlayerErased",
    }
    assert "erased" not in record


@pytest.mark.parametrize(
    ("asked", "positions"),
    [
        ({"event": "erased"}, [5]),
        ({"event": "login"}, [3, 4, 6]),
        ({"event": "player"}, [1]),
        ({"player_id": "p"}, [1, 2, 3, 5, 6]),
        ({"player_id": "p", "event": "erased"}, [5]),
        ({"to": "2025-01-16T00:00:00Z"}, [1, 2, 3, 4, 6]),
        ({"from": "2025-01-16T00:00:00Z"}, [5]),
        ({"from": "2025-01-16T00:00:00Z", "event": "erased"}, [5]),
    ],
)
def test_filters_find_what_was_erased_and_the_record_by_its_own_time(
    asked: dict[str, Any], positions: list[int], seen: Seen
) -> None:
    expected = [entry for entry in seen.whole if entry["position"] in positions]
    assert seen.casino.items("history", **asked) == expected
    assert entries(seen.casino.get("history", headers=NDJSON, **asked)) == expected


def test_streams_and_replay_say_the_same(seen: Seen, pool: Pool) -> None:
    told = seen.casino.get("history", headers=NDJSON)
    assert entries(told) == seen.whole
    tenant_id = seen.casino.tenant.tenant_id
    assert b"".join(replay(pool, tenant_id, HistoryFilters())) == b"".join(lines(told))
    events = seen.casino.get(
        "history", headers={"accept": "text/event-stream"}, to_position=6
    ).body.split(b"\n\n")
    messages = [dict(line.split(b": ", 1) for line in each.split(b"\n")) for each in events[1:-2]]
    assert [int(each[b"id"]) for each in messages] == [1, 2, 3, 4, 5, 6]
    assert [msgspec.json.decode(each[b"data"]) for each in messages] == seen.whole


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.history.PAGE_BYTES", 1)


def test_pages_go_on_behind_what_was_erased(seen: Seen, in_small_pieces: None) -> None:
    for asked in ({}, {"player_id": "p"}):
        expected = [e for e in seen.whole if not asked or e["stream"] == "player:p"]
        assert seen.casino.all("history", 2, **asked) == expected


def test_the_document_tells_of_it(casino: Casino) -> None:
    document = casino.api.get("/schema/openapi.json").json
    asked = document["paths"]["/api/v1/history"]["get"]
    [events] = [each["schema"]["enum"] for each in asked["parameters"] if each["name"] == "event"]
    assert "erased" in events
    assert "Of an event that was erased `data` is null" in asked["description"]
    conflicts = document["paths"]["/api/v1/conflicts"]["get"]
    assert "is null where it was erased" in conflicts["description"].replace("\n", " ")
    batch = document["paths"]["/api/v1/events"]["post"]["requestBody"]
    assert "erased" not in str(batch)


def test_no_client_can_send_a_record(casino: Casino) -> None:
    body = b'{"items":[{"event":"erased","data":{"positions":[1],"reason":"","by":"","at":""}}]}'
    with pytest.raises(InvalidItemsError):
        casino.send_body(body)
    assert casino.items("history") == []
