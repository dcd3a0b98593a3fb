"""Whatever is sent, the service answers as the contract says and never with a fault of its own."""

import gzip
import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.wire.currencies import ISO_4217
from app.wire.items import InvalidItemsError, decode_batch
from app.wire.json_text import NotJsonError
from tests import strategies
from tests.http.service import Service
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, login

CURRENCIES = ISO_4217 | {"BTC", "USDT"}

# What a header's value may hold (RFC 9110, 5.5): visible characters, spaces inside, any byte from 128.
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60
).map(str.strip)
NAMES = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,30}", fullmatch=True)

# Headers that HTTP or the contract gives a meaning.
MEANINGFUL = {
    *("connection", "content-encoding", "content-length", "content-type", "expect", "host"),
    *("keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    *("prefer", "x-api-key", "x-request-id"),
}

ENCODINGS = {"", "identity", "gzip", "x-gzip", "zstd"}

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
}

mutations = st.lists(
    st.tuples(st.sampled_from(["cut", "put", "drop"]), st.floats(0, 1), st.binary(max_size=3)),
    min_size=1,
    max_size=3,
)


def mutated(text: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, what in changes:
        place = int(where * len(text))
        match kind:
            case "cut":
                text = text[:place]
            case "put":
                text = text[:place] + what + text[place:]
            case "drop":
                text = text[:place] + text[place + 1 :]
    return text


def assert_taken_or_refused(answer: httpx.Response, sent: bytes) -> None:
    """Fail unless HTTP says of a body what the rules for items say of it."""
    pointers = []
    try:
        items = decode_batch(sent, currencies=CURRENCIES, now=datetime.now(UTC))
    except NotJsonError:
        assert_problem(answer, "malformed-body")
        return
    except InvalidItemsError as error:
        pointers = [fault.pointer for fault in error.faults]
    if pointers:
        found = assert_problem(answer, "invalid-items")["errors"]
        assert [fault["pointer"] for fault in found] == pointers
    else:
        assert sum(counts(answer)) == len(items)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_answered_for_what_they_are(client: httpx.Client, sent: bytes) -> None:
    assert_taken_or_refused(client.post(EVENTS, content=sent), sent)


@given(st.sampled_from(["gzip", "zstd"]), st.binary(max_size=200))
def test_any_bytes_that_claim_to_be_compressed_are_400(
    client: httpx.Client, encoding: str, sent: bytes
) -> None:
    answer = client.post(EVENTS, content=sent, headers={"content-encoding": encoding})
    assert_problem(answer, "malformed-body")


@given(strategies.json_texts())
@example('{"items":[]}')
@example('{"items":[],"items":{}}')
def test_any_json_in_place_of_a_batch_is_answered_for_what_it_is(
    client: httpx.Client, sent: str
) -> None:
    assert_taken_or_refused(client.post(EVENTS, content=sent.encode()), sent.encode())


@given(st.lists(strategies.json_texts(), min_size=1, max_size=4))
def test_any_json_in_place_of_items_is_422(client: httpx.Client, items: list[str]) -> None:
    answer = client.post(EVENTS, content=f'{{"items":[{",".join(items)}]}}'.encode())
    assert_problem(answer, "invalid-items")


@given(st.sampled_from(strategies.EVENTS), strategies.json_texts())
def test_any_json_in_place_of_data_is_422(client: httpx.Client, event: str, data: str) -> None:
    sent = f'{{"items":[{{"event":"{event}","data":{data}}}]}}'
    assert_problem(client.post(EVENTS, content=sent.encode()), "invalid-items")


@settings(max_examples=200)
@given(strategies.batches(), mutations)
def test_a_batch_that_was_tampered_with_is_answered_for_what_it_became(
    client: httpx.Client, batch: list[strategies.WireItem], changes: list[tuple[str, float, bytes]]
) -> None:
    sent = mutated(strategies.body(batch), changes)
    assert_taken_or_refused(client.post(EVENTS, content=sent), sent)


@given(strategies.batches(), st.sampled_from(sorted(ENCODERS)))
def test_any_valid_batch_is_taken_and_taken_again(
    client: httpx.Client, batch: list[strategies.WireItem], encoding: str
) -> None:
    headers = {"content-encoding": encoding} if encoding else {}
    sent = ENCODERS[encoding](strategies.body(batch))
    first = client.post(EVENTS, content=sent, headers=headers)
    assert sum(counts(first)) == len(batch)
    again = client.post(EVENTS, content=sent, headers=headers)
    stored, duplicate, conflict = counts(again)
    assert (stored, duplicate + conflict) == (0, len(batch))
    assert conflict == counts(first)[2]


@given(st.lists(st.tuples(NAMES.filter(lambda name: name.lower() not in MEANINGFUL), VALUES)))
def test_headers_without_a_meaning_change_nothing(
    service: Service, key: str, headers: list[tuple[str, str]]
) -> None:
    sent = body(login("a"))
    needed = [
        ("x-api-key", key),
        ("content-type", "application/json"),
        ("content-length", str(len(sent))),
    ]
    with Wire(service.address) as wire:
        wire.request(f"POST {EVENTS}", headers + needed)
        wire.send(sent)
        assert sum(counts(wire.answer())) == 1


def send_with(service: Service, headers: dict[str, str]) -> httpx.Response:
    with Wire(service.address) as wire:
        wire.request(f"POST {EVENTS}", {"content-length": "12"} | headers)
        wire.send(b'{"items":[]}')
        return wire.answer()


@given(VALUES)
def test_any_other_key_is_403(service: Service, unknown: str) -> None:
    headers = {"content-type": "application/json", "x-api-key": unknown}
    assert_problem(send_with(service, headers), "forbidden")


@given(VALUES.filter(lambda value: not value.lower().startswith("application/json")))
def test_any_other_content_type_is_415(service: Service, key: str, content_type: str) -> None:
    headers = {"content-type": content_type, "x-api-key": key}
    assert_problem(send_with(service, headers), "unsupported-media-type")


@given(VALUES.filter(lambda value: value.lower() not in ENCODINGS))
def test_any_other_encoding_is_415(service: Service, key: str, encoding: str) -> None:
    headers = {"content-type": "application/json", "x-api-key": key, "content-encoding": encoding}
    assert_problem(send_with(service, headers), "unsupported-encoding")


@given(VALUES.filter(lambda value: "return" not in value.lower()), VALUES)
def test_any_preference_and_accept_header_is_fine(
    service: Service, key: str, prefer: str, accept: str
) -> None:
    headers = {"content-type": "application/json", "x-api-key": key}
    answer = send_with(service, headers | {"prefer": prefer, "accept": accept})
    assert counts(answer) == (0, 0, 0)


@given(VALUES)
@example("0af7651916cd43dd8448eb211c80319c")
@example("a.b-c:d_E")
@example("x" * 129)
def test_a_request_id_is_the_clients_if_it_is_fit_and_new_if_not(
    service: Service, request_id: str
) -> None:
    answer = send_with(service, {"x-request-id": request_id})
    given_back = answer.headers["x-request-id"]
    if re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", request_id):
        assert given_back == request_id
    else:
        assert re.fullmatch(r"[0-9a-f]{32}", given_back)
    assert_problem(answer, "forbidden")


@given(st.text(max_size=20), st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]))
@example("..", "GET")
@example("a//b/../c", "GET")
def test_any_other_path_is_404(service: Service, path: str, method: str) -> None:
    encoded = quote(path, safe="/", errors="replace")
    with Wire(service.address) as wire:
        wire.request(f"{method} /other/{encoded}", {"content-length": "0"})
        assert_problem(wire.answer(method), "not-found")


@settings(max_examples=50)
@given(st.binary(max_size=100).filter(lambda text: text.strip(b"\r\n") != b""))
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
@example(b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n")
@example(
    b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
)
@example(b"BREW /pot HTTP/1.1\r\nhost: x\r\n\r\n")
@example(b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n")
def test_what_is_not_http_ends_its_own_connection_alone(service: Service, sent: bytes) -> None:
    with Wire(service.address) as wire:
        wire.send(sent + b"\r\n\r\n")
        wire.socket.shutdown(socket.SHUT_WR)
        with wire.socket.makefile("rb") as answers:
            assert re.match(rb"HTTP/1\.1 400 |$", answers.read())
    assert service.answers("/health/live")


def test_unknown_members_at_every_level_are_accepted(client: httpx.Client) -> None:
    data: dict[str, Any] = {"unique_id": "a", "timestamp": "2025-01-15T12:00:00Z", "player_id": "p"}
    sent = {
        "items": [
            {"event": "login", "data": data | {"originator_id": 1, "x": [{}]}, "position": 9}
        ],
        "tenant": "another",
    }
    assert counts(client.post(EVENTS, content=json.dumps(sent))) == (1, 0, 0)
