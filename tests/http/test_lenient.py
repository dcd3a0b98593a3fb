"""Batches with invalid items: what is valid is recorded, what is not is told and kept (RFC 7240)."""

import gzip
from typing import Any

import httpx
import pytest

from tests.http.wire import EVENTS, assert_problem, bet, body, counts, deposit, login

CHECK = f"{EVENTS}/check"
LENIENT = {"prefer": "handling=lenient"}
WITH_RECEIPT = {"prefer": "handling=lenient, return=representation"}
NO_AMOUNT = bet("bad", amount="1")


def left_out(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["events-invalid"]), int(answer.headers["events-ignored"])


def refused(client: httpx.Client, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/refused", params=filters).json()["items"]
    return found


def outcomes(receipt: dict[str, Any]) -> list[tuple[str | None, str, int | None]]:
    return [(each["unique_id"], each["outcome"], each["position"]) for each in receipt["items"]]


def test_what_is_valid_is_recorded_and_what_is_not_is_counted(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=body(login("a"), NO_AMOUNT, deposit("b")), headers=LENIENT)
    assert counts(answer) == (2, 0, 0)
    assert left_out(answer) == (1, 0)
    assert answer.headers["preference-applied"] == "handling=lenient"
    assert answer.headers["log-position"] == "2"
    history = client.get("/api/v1/history").json()["items"]
    assert [entry["data"]["unique_id"] for entry in history] == ["a", "b"]


def test_the_receipt_has_all_items_in_the_order_sent_with_their_faults(
    client: httpx.Client,
) -> None:
    client.post(EVENTS, content=body(login("a")))
    items = [
        {},
        login("a"),
        7,
        NO_AMOUNT,
        login("b"),
        login("a", player_id="other"),
        {"event": "spin", "data": {"unique_id": "s", "player_id": 5}},
        bet("", amount=-1),
        login("c"),
    ]
    answer = client.post(EVENTS, content=body(*items), headers=WITH_RECEIPT)
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "handling=lenient, return=representation"
    receipt = answer.json()
    assert {name: receipt[name] for name in receipt if name != "items"} == {
        "stored": 2,
        "duplicate": 1,
        "conflict": 1,
        "invalid": 5,
        "ignored": 0,
        "log_position": 3,
    }
    assert outcomes(receipt) == [
        (None, "invalid", None),
        ("a", "duplicate", 1),
        (None, "invalid", None),
        ("bad", "invalid", None),
        ("b", "stored", 2),
        ("a", "conflict", 1),
        ("s", "invalid", None),
        (None, "invalid", None),
        ("c", "stored", 3),
    ]
    faults = {
        at: [(fault["pointer"], fault["code"]) for fault in each["faults"]]
        for at, each in enumerate(receipt["items"])
        if "faults" in each
    }
    assert faults == {
        0: [("/items/0/event", "missing"), ("/items/0/data", "missing")],
        2: [("/items/2", "wrong_type")],
        3: [("/items/3/data/amount", "wrong_type")],
        6: [("/items/6/event", "unknown_event")],
        7: [("/items/7/data/unique_id", "empty"), ("/items/7/data/amount", "negative")],
    }
    assert {"leaf_hash", "salt"} <= receipt["items"][4].keys()


def test_what_was_left_out_is_in_the_register_once_however_often_it_is_sent(
    client: httpx.Client,
) -> None:
    data = b'{"unique_id": "odd", "timestamp": "2025-01-15T12:00:00Z", "player_id": "p", "amount": 1.50}'
    sent = b'{"items": [{"event": "deposit", "data": ' + data + b"}]}"
    for body_of_it in (sent, sent, sent.replace(b"1.50", b" 15e-1 ")):
        assert left_out(client.post(EVENTS, content=body_of_it, headers=LENIENT)) == (1, 0)
    assert b'"data":' + data in client.get("/api/v1/refused").content
    [found] = refused(client)
    assert found["received_at"] < found["last_received_at"]
    assert {
        name: found[name] for name in ("times", "dialect", "event", "unique_id", "player_id")
    } == {
        "times": 3,
        "dialect": "events",
        "event": "deposit",
        "unique_id": "odd",
        "player_id": "p",
    }
    assert found["errors"] == [
        {"pointer": "/data/currency", "code": "missing", "detail": "must be given"},
        {"pointer": "/data/method", "code": "missing", "detail": "must be given"},
    ]


def test_the_register_is_filtered_and_paged_the_last_first(client: httpx.Client) -> None:
    for number in range(5):
        item = deposit(f"d{number}", player_id=f"p{number % 2}", amount=-1)
        client.post(EVENTS, content=body(item), headers=LENIENT)
    client.post(EVENTS, content=body(login("l", player_id=1)), headers=LENIENT)
    assert [each["unique_id"] for each in refused(client, player_id="p0")] == ["d4", "d2", "d0"]
    assert [each["unique_id"] for each in refused(client, event="login")] == ["l"]
    assert [each["event"] for each in refused(client, unique_id="d3")] == ["deposit"]
    newest = refused(client)[0]["received_at"]
    assert len(refused(client, to=newest)) == 5
    assert len(refused(client, **{"from": newest})) == 1
    walked, cursor = [], ""
    while True:
        page = client.get("/api/v1/refused?limit=4" + cursor).json()
        walked += [each["unique_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == ["l", "d4", "d3", "d2", "d1", "d0"]


def test_data_that_is_too_long_is_left_out_and_not_kept(client: httpx.Client) -> None:
    item = login("long", more="x" * 300_000)
    answer = client.post(EVENTS, content=body(item, login("a")), headers=LENIENT)
    assert counts(answer) == (1, 0, 0)
    [found] = refused(client)
    assert (found["unique_id"], found["data"], found["errors"][0]["code"]) == (
        "long",
        None,
        "too-large",
    )


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b'{"items": [', "malformed-body"),
        (b"[]", "invalid-items"),
        (b'{"items": 1}', "invalid-items"),
        (body(*([{}] * 10_001)), "too-many-items"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_as_ever(
    client: httpx.Client, sent: bytes, problem: str
) -> None:
    for path in (EVENTS, CHECK):
        assert_problem(client.post(path, content=sent, headers=LENIENT), problem)
    assert refused(client) == []


@pytest.mark.parametrize(
    "prefer",
    [
        *("handling=strict", "handling=strict, handling=lenient", "handling=other", "lenient"),
        *('x="a,handling=lenient"', 'x="a\\",handling=lenient"', 'x; y="a,handling=lenient"'),
    ],
)
def test_nothing_is_left_out_unless_that_is_what_is_preferred(
    client: httpx.Client, prefer: str
) -> None:
    headers = {"prefer": prefer}
    assert_problem(
        client.post(EVENTS, content=body(login("a"), NO_AMOUNT), headers=headers), "invalid-items"
    )
    assert refused(client) == []
    answer = client.post(EVENTS, content=body(login("a")), headers=headers)
    applied = "handling=strict" if "strict" in prefer else None
    assert answer.headers.get("preference-applied") == applied
    assert "events-invalid" not in answer.headers


def test_ten_thousand_invalid_items_are_told_and_kept(client: httpx.Client) -> None:
    items = [login(f"u{number}", player_id=number) for number in range(9_999)]
    sent = gzip.compress(body(*items, login("good")))
    headers = WITH_RECEIPT | {"content-encoding": "gzip"}
    receipt = client.post(EVENTS, content=sent, headers=headers).json()
    assert (receipt["stored"], receipt["invalid"]) == (1, 9_999)
    assert receipt["items"][9_998]["faults"][0]["pointer"] == "/items/9998/data/player_id"
    assert len(refused(client, limit=1_000)) == 1_000


def test_many_faults_of_one_item_are_cut_off(client: httpx.Client) -> None:
    item = {"event": "player", "data": {**login("p")["data"], "tags": [1] * 5_000}}
    receipt = client.post(EVENTS, content=body(item), headers=WITH_RECEIPT).json()
    assert len(receipt["items"][0]["faults"]) == 100
    assert len(refused(client)[0]["errors"]) == 100


def test_a_check_tells_the_receipt_and_records_nothing(client: httpx.Client) -> None:
    client.post(EVENTS, content=body(login("a"), login("b")))
    items = [login("a"), login("b", player_id="q"), login("c"), NO_AMOUNT, login("c"), login("d")]
    told = client.post(CHECK, content=body(*items))
    assert told.status_code == 200
    assert outcomes(told.json()) == [
        ("a", "duplicate", 1),
        ("b", "conflict", 2),
        ("c", "stored", 3),
        ("bad", "invalid", None),
        ("c", "duplicate", 3),
        ("d", "stored", 4),
    ]
    assert told.json()["log_position"] == 4
    assert told.json()["items"][3]["faults"][0]["pointer"] == "/items/3/data/amount"
    assert "leaf_hash" not in told.text
    assert client.get("/api/v1/status").json()["log_position"] == 2
    assert client.get("/api/v1/conflicts").json()["items"] == []
    assert refused(client) == []
    # And it is what comes true.
    sent = client.post(EVENTS, content=body(*items), headers=WITH_RECEIPT).json()
    assert outcomes(sent) == outcomes(told.json())


def test_a_check_needs_a_key_that_may_send(service: Any, key: str, client: httpx.Client) -> None:
    assert_problem(client.post(CHECK, content=body(), headers={"x-api-key": "x"}), "forbidden")
    assert_problem(
        client.post(CHECK, content=b"", headers={"content-type": "text/plain"}),
        "unsupported-media-type",
    )
    assert client.post(CHECK, content=body()).json() == {
        "stored": 0,
        "duplicate": 0,
        "conflict": 0,
        "invalid": 0,
        "ignored": 0,
        "log_position": 0,
        "items": [],
    }
