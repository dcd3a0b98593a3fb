"""Each row of the contract's table of answers (§1), provoked for real."""

import gzip
import json
from typing import Any

import httpx
import pytest
import zstandard

from tests.conftest import SAMPLES
from tests.http.service import Service
from tests.http.wire import EVENTS, Wire, assert_problem, bet, body, counts, deposit, login

MIB = 1 << 20
LIMIT = 16 * MIB
INVALID = json.loads((SAMPLES / "invalid.json").read_text())
RECEIPT = {"prefer": "return=representation"}


def padded(size: int) -> bytes:
    """An empty batch of exactly so many bytes."""
    return body().ljust(size)


# 204 and 200


def test_a_new_batch_is_answered_204_with_its_counts_and_position(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=body(login("a"), deposit("b"), bet("c")))
    assert counts(answer) == (3, 0, 0)
    assert answer.headers["log-position"] == "3"
    assert "content-type" not in answer.headers


def test_a_batch_sent_again_is_duplicates_at_the_same_position(client: httpx.Client) -> None:
    sent = body(login("a"), deposit("b"))
    client.post(EVENTS, content=sent)
    client.post(EVENTS, content=body(login("c")))
    answer = client.post(EVENTS, content=sent)
    assert counts(answer) == (0, 2, 0)
    assert int(answer.headers["log-position"]) >= 2


def test_other_content_under_the_same_unique_id_is_a_conflict(client: httpx.Client) -> None:
    client.post(EVENTS, content=body(login("a"), deposit("b")))
    answer = client.post(EVENTS, content=body(login("b"), deposit("a", amount=2), login("c")))
    assert counts(answer) == (1, 0, 2)
    assert answer.headers["log-position"] == "3"


def test_an_empty_batch_is_fine_and_stores_nothing(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=body())
    assert counts(answer) == (0, 0, 0)
    assert answer.headers["log-position"] == "0"


@pytest.mark.parametrize(
    "prefer",
    [
        [("prefer", "return=representation")],
        [("Prefer", 'respond-async, Return="representation"; x=y')],
        [("prefer", "respond-async"), ("prefer", "return=representation")],
    ],
)
def test_the_receipt_is_given_to_who_prefers_it(
    client: httpx.Client, prefer: list[tuple[str, str]]
) -> None:
    client.post(EVENTS, content=body(login("a"), login("b")))
    sent = body(login("c"), login("b"), deposit("a"), login("c"), login("d"))
    answer = client.post(EVENTS, content=sent, headers=prefer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["preference-applied"] == "return=representation"
    told = answer.json()
    for item in told["items"]:
        is_stored = item["outcome"] == "stored"
        assert (len(item.pop("leaf_hash", "")) == 44) == is_stored
        assert (len(item.pop("salt", "")) == 32) == is_stored
    assert told == {
        "stored": 2,
        "duplicate": 2,
        "conflict": 1,
        "log_position": 4,
        "items": [
            {"unique_id": "c", "outcome": "stored", "position": 3},
            {"unique_id": "b", "outcome": "duplicate", "position": 2},
            {"unique_id": "a", "outcome": "conflict", "position": 1},
            {"unique_id": "c", "outcome": "duplicate", "position": 3},
            {"unique_id": "d", "outcome": "stored", "position": 4},
        ],
    }
    assert [answer.headers[f"events-{name}"] for name in ("stored", "duplicate", "conflict")] == [
        "2",
        "2",
        "1",
    ]
    assert answer.headers["log-position"] == "4"


@pytest.mark.parametrize("prefer", ["return=minimal", "respond-async", "representation", ""])
def test_any_other_preference_is_answered_without_a_body(client: httpx.Client, prefer: str) -> None:
    assert counts(client.post(EVENTS, content=body(login("a")), headers={"prefer": prefer})) == (
        1,
        0,
        0,
    )


def test_ten_thousand_items_are_one_batch(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=body(*(login(str(n)) for n in range(10_000))))
    assert counts(answer) == (10_000, 0, 0)
    assert answer.headers["log-position"] == "10000"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        'application/json ; charset="utf-8"',
        "application/json; charset=utf8",
        "application/json; CHARSET=UTF8",
        'application/json; charset="Utf8"',
        "application/json; charset='utf-8'",
        "application/json; charset=utf-8; charset=UTF-8",
        "application/json;\tcharset=utf-8;",
        "application/json; charset=utf-8; profile=casino",
        "application/json; profile=casino",
    ],
)
def test_json_may_be_called_so_in_all_the_ways_of_http(
    client: httpx.Client, content_type: str
) -> None:
    answer = client.post(EVENTS, content=body(), headers={"content-type": content_type})
    assert counts(answer) == (0, 0, 0)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("zstd", zstandard.compress),
        ("identity", bytes),
    ],
)
def test_a_compressed_batch_is_a_batch(client: httpx.Client, encoding: str, encode: Any) -> None:
    headers = {"content-encoding": encoding}
    answer = client.post(EVENTS, content=encode(body(login("a"))), headers=headers)
    assert counts(answer) == (1, 0, 0)
    assert counts(client.post(EVENTS, content=body(login("a")))) == (0, 1, 0)


def test_a_body_of_exactly_the_limit_fits(client: httpx.Client) -> None:
    assert counts(client.post(EVENTS, content=padded(LIMIT))) == (0, 0, 0)
    for encoding, encode in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        headers = {"content-encoding": encoding}
        answer = client.post(EVENTS, content=encode(padded(LIMIT)), headers=headers)
        assert counts(answer) == (0, 0, 0)


def test_a_body_in_chunks_is_a_body(client: httpx.Client) -> None:
    sent = body(login("a"), login("b"))
    answer = client.post(EVENTS, content=(sent[n : n + 7] for n in range(0, len(sent), 7)))
    assert counts(answer) == (2, 0, 0)


# 400


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b'{"items":[]} {}',
        b"\xef\xbb\xbf" + body(),
        body().decode().encode("utf-16"),
        b'{"items":[], "x": "\xff"}',
        b'{"items":[], "x": "\xed\xa0\x80"}',
        b'{"items":[], "x": "\\ud800"}',
        b'{"items":[], "x": NaN}',
        b'{"items":[], "x": 01}',
        b'{"items":[], "x": "\n"}',
        b"{'items':[]}",
        b'{"items":[],}',
        b'{"items":[], "x": ' + b"[" * 128 + b"]" * 128 + b"}",
        b"[" * 1_000_000,
    ],
    ids=repr,
)
def test_what_is_not_json_in_utf_8_is_400(client: httpx.Client, sent: bytes) -> None:
    assert_problem(client.post(EVENTS, content=sent), "malformed-body")


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (b"\xef\xbb\xbf" + body(), "a byte order mark, which has no place in JSON (byte 0)"),
        (body().decode().encode("utf-16"), "not UTF-8: begins with the byte order mark of UTF-16"),
    ],
    ids=["UTF-8", "UTF-16"],
)
def test_a_byte_order_mark_is_named_as_one(client: httpx.Client, sent: bytes, named: str) -> None:
    problem = assert_problem(client.post(EVENTS, content=sent), "malformed-body")
    assert problem["detail"].startswith(named)


def test_128_levels_deep_is_still_json(client: httpx.Client) -> None:
    sent = b'{"items":[], "x": ' + b"[" * 127 + b"]" * 127 + b"}"
    assert counts(client.post(EVENTS, content=sent)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", body()),
        ("gzip", b""),
        ("gzip", gzip.compress(body(), mtime=0)[:-1]),
        ("gzip", gzip.compress(body(), mtime=0) + b"more"),
        ("gzip", zstandard.compress(body())),
        ("gzip", gzip.compress(b"{", mtime=0)),
        ("zstd", body()),
        ("zstd", b""),
        ("zstd", zstandard.compress(body())[:-1]),
        ("zstd", gzip.compress(body(), mtime=0)),
        ("identity", gzip.compress(body(), mtime=0)),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_400(
    client: httpx.Client, encoding: str, sent: bytes
) -> None:
    answer = client.post(EVENTS, content=sent, headers={"content-encoding": encoding})
    assert_problem(answer, "malformed-body")


# 413


def test_a_body_a_byte_over_the_limit_is_413(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=padded(LIMIT + 1))
    assert assert_problem(answer, "body-too-large")["limit_bytes"] == LIMIT


def test_a_declared_length_over_the_limit_is_refused_before_it_is_sent(
    service: Service, key: str
) -> None:
    headers = {"x-api-key": key, "content-type": "application/json", "content-length": str(10**12)}
    with Wire(service.address) as wire:
        wire.request(f"POST {EVENTS}", headers | {"expect": "100-continue"})
        assert_problem(wire.answer(), "body-too-large")


def test_chunks_without_end_are_refused_at_the_limit(service: Service, key: str) -> None:
    headers = {"x-api-key": key, "content-type": "application/json"}
    chunk = b"%x\r\n%s\r\n" % (MIB, b" " * MIB)
    with Wire(service.address) as wire:
        wire.request(f"POST {EVENTS}", headers | {"transfer-encoding": "chunked"})
        for _ in range(18):  # never the last chunk
            wire.send(chunk)
        assert_problem(wire.answer(), "body-too-large")


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", gzip.compress(bytes(LIMIT + 1), mtime=0)),
        ("gzip", gzip.compress(bytes(MIB), mtime=0) * 1_024),
        ("zstd", zstandard.compress(bytes(LIMIT + 1))),
        ("zstd", zstandard.compress(bytes(1_024 * MIB))),
    ],
    ids=["gzip", "gzip of many members", "zstd", "zstd of a gigabyte"],
)
def test_a_small_body_that_grows_beyond_the_limit_is_413(
    client: httpx.Client, encoding: str, bomb: bytes
) -> None:
    assert len(bomb) < 2 * MIB
    answer = client.post(EVENTS, content=bomb, headers={"content-encoding": encoding})
    assert_problem(answer, "body-too-large")


def test_an_item_too_many_is_413_and_nothing_is_recorded(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=body(*(login(str(n)) for n in range(10_001))))
    assert_problem(answer, "too-many-items")
    assert client.post(EVENTS, content=body()).headers["log-position"] == "0"


# 415


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-ndjson",
        "application/jsonx",
        "application/json, text/plain",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset=",
        "application/json; charset=utf-88",
        "application/problem+json",
        "",
    ],
)
def test_another_content_type_is_415(client: httpx.Client, content_type: str) -> None:
    answer = client.post(EVENTS, content=body(), headers={"content-type": content_type})
    assert_problem(answer, "unsupported-media-type")


def test_no_content_type_at_all_is_415(client: httpx.Client) -> None:
    del client.headers["content-type"]
    assert_problem(client.post(EVENTS, content=body()), "unsupported-media-type")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "gzip;q=1", "*"])
def test_another_encoding_is_415(client: httpx.Client, encoding: str) -> None:
    answer = client.post(EVENTS, content=body(), headers={"content-encoding": encoding})
    assert_problem(answer, "unsupported-encoding")


def test_two_encodings_in_two_lines_are_two_encodings(service: Service, key: str) -> None:
    headers = [("x-api-key", key), ("content-type", "application/json"), ("content-length", "0")]
    encodings = [("content-encoding", "identity"), ("content-encoding", "gzip")]
    with Wire(service.address) as wire:
        wire.request(f"POST {EVENTS}", headers + encodings)
        assert_problem(wire.answer(), "unsupported-encoding")


# 422


@pytest.mark.parametrize("sample", INVALID, ids=lambda sample: sample["name"])
def test_each_invalid_sample_is_refused_naming_every_fault(
    client: httpx.Client, sample: dict[str, Any]
) -> None:
    answer = client.post(EVENTS, content=sample["body"].encode())
    assert answer.status_code == sample["status"]
    if sample["status"] == 422:
        faults = assert_problem(answer, "invalid-items")["errors"]
        assert sorted(fault["pointer"] for fault in faults) == sorted(sample["pointers"])
        for fault in faults:
            assert set(fault) == {"pointer", "code", "detail"}
            assert all(isinstance(fault[member], str) for member in fault)
            assert fault["code"]
            assert fault["detail"]
    else:
        assert_problem(answer, "malformed-body")
    assert client.post(EVENTS, content=body()).headers["log-position"] == "0"


def test_one_invalid_item_keeps_a_whole_batch_out(client: httpx.Client) -> None:
    good = [login(str(n)) for n in range(100)]
    answer = client.post(EVENTS, content=body(*good, deposit("x", amount=-1), *good))
    assert [fault["pointer"] for fault in assert_problem(answer, "invalid-items")["errors"]] == [
        "/items/100/data/amount"
    ]
    assert counts(client.post(EVENTS, content=body(*good))) == (100, 0, 0)


def test_at_most_a_thousand_faults_are_named(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=body(*(login("") for _ in range(1_500))))
    faults = assert_problem(answer, "invalid-items")["errors"]
    assert [fault["pointer"] for fault in faults] == [
        f"/items/{n}/data/unique_id" for n in range(1_000)
    ]


def test_a_currency_that_the_tenant_was_allowed_is_fine_and_no_other(client: httpx.Client) -> None:
    assert counts(client.post(EVENTS, content=body(deposit("a", currency="BTC")))) == (1, 0, 0)
    answer = client.post(EVENTS, content=body(deposit("b", currency="DOGE")))
    faults = assert_problem(answer, "invalid-items")["errors"]
    assert [fault["pointer"] for fault in faults] == ["/items/0/data/currency"]


# 404 and 405


@pytest.mark.parametrize(
    "path", ["/nope", "/api", "/api/v1", "/api/v2/events", "/schema/nope", "/%00", "/%ff"]
)
def test_a_path_that_is_none_is_a_problem_404(client: httpx.Client, path: str) -> None:
    assert_problem(client.get(path), "not-found")


@pytest.mark.parametrize("path", ["/../../etc/passwd", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"])
def test_the_documentation_gives_no_files_but_its_own(service: Service, path: str) -> None:
    with Wire(service.address) as wire:
        wire.request(f"GET /documentation{path}", {})
        assert_problem(wire.answer("GET"), "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", EVENTS, "POST"),
        ("PUT", EVENTS, "POST"),
        ("DELETE", EVENTS, "POST"),
        ("POST", "/health/live", "GET"),
    ],
)
def test_another_method_is_a_problem_405_that_says_which_are_allowed(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert_problem(answer, "method-not-allowed")
    assert allowed in answer.headers["allow"].split(", ")
