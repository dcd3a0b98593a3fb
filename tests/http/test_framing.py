"""Where a request ends, whatever its client says of that, and what stands behind its body."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.http.service import Service, logged
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, login

pytestmark = pytest.mark.xdist_group("watched")

LIVE = b"GET /health/live HTTP/1.1\r\nhost: roundbook\r\nconnection: close\r\n\r\n"

BAD_CHUNKS = {
    "a size that is none": b"zz\r\n",
    "a negative size": b"-1\r\nabc\r\n0\r\n\r\n",
    "a size with a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a size with a space": b"3 \r\nabc\r\n0\r\n\r\n",
    "a size behind a space": b" 3\r\nabc\r\n0\r\n\r\n",
    "no size": b"\r\n",
    "a size beyond all bounds": b"f" * 20 + b"\r\nabc\r\n0\r\n\r\n",
    "a size too small": b"3\r\nabcd\r\n0\r\n\r\n",
    "a size line that ends with LF": b"3\nabc\r\n0\r\n\r\n",
    "a chunk that ends with LF": b"3\r\nabc\n0\r\n\r\n",
    "a bad extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a trailer without a colon": b"0\r\ntrailer\r\n\r\n",
    "a trailer with a space": b"0\r\ntrailer : a\r\n\r\n",
}


def post(key: str, framing: str, *lines: str) -> bytes:
    """The head of a batch."""
    head = [
        f"POST {EVENTS} HTTP/1.1",
        "host: roundbook",
        "content-type: application/json",
        *([f"x-api-key: {key}"] if key else []),
        framing,
        *lines,
    ]
    return "".join(f"{line}\r\n" for line in [*head, ""]).encode()


def chunks(sent: bytes, size: int = 10) -> bytes:
    """Some bytes as chunks, without the last one."""
    pieces = (sent[start : start + size] for start in range(0, len(sent), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def answers(service: Service, sent: bytes, *methods: str) -> list[httpx.Response]:
    with Wire(service.address) as wire:
        wire.send(sent)
        return wire.answers(*methods)


@pytest.mark.parametrize("bad", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_are_a_malformed_body(bad: bytes, watched: Service, writer: str) -> None:
    sent = post(writer, "transfer-encoding: chunked") + chunks(body()) + bad
    first, second = answers(
        watched, LIVE.replace(b"connection: close\r\n", b"") + sent, "GET", "POST"
    )
    assert first.status_code == 200
    problem = assert_problem(second, "malformed-body")
    assert "HTTP/1.1" in problem["detail"]
    assert second.headers["connection"] == "close"
    assert logged(watched, second)["status"] == 400


@pytest.mark.parametrize("bad", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_who_may_not_send_hears_that_alone_and_the_connection_ends(
    bad: bytes, watched: Service
) -> None:
    (answer,) = answers(watched, post("", "transfer-encoding: chunked") + bad + LIVE, "POST")
    assert_problem(answer, "forbidden")
    assert logged(watched, answer)["status"] == 403


def test_bad_chunks_behind_an_answer_end_the_connection_without_another(watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(post("", "transfer-encoding: chunked"))
        assert_problem(wire.answer(), "forbidden")
        wire.send(b"3\r\nabc\r\n")
        wire.send(b"zz\r\n" + LIVE)
        assert wire.closed()


def test_a_trailer_is_no_header(watched: Service, writer: str) -> None:
    whole = chunks(body(login("t"))) + b"0\r\nx-api-key: " + writer.encode() + b"\r\n\r\n" + LIVE
    refused, live = answers(watched, post("", "transfer-encoding: chunked") + whole, "POST", "GET")
    assert_problem(refused, "forbidden")
    assert live.status_code == 200
    late = "".join(
        f"{name}: {value}\r\n"
        for name, value in {
            "prefer": "return=representation",
            "x-request-id": "late",
            "content-encoding": "gzip",
            "content-type": "text/plain",
            "host": "a b",
            "expect": "100-continue",
            "upgrade": "h2c",
        }.items()
    ).encode()
    whole = chunks(body(login("t"))) + b"0\r\n" + late + b"\r\n" + LIVE
    taken, live = answers(
        watched, post(writer, "transfer-encoding: chunked") + whole, "POST", "GET"
    )
    assert sum(counts(taken)) == 1
    assert taken.headers["x-request-id"] != "late"
    assert live.status_code == 200


def test_a_trailer_may_not_say_where_the_body_ends(watched: Service, writer: str) -> None:
    for trailer in (b"content-length: 3", b"transfer-encoding: gzip"):
        whole = chunks(body()) + b"0\r\n" + trailer + b"\r\n\r\n" + LIVE
        sent = post(writer, "transfer-encoding: chunked") + whole
        (answer,) = answers(watched, sent, "POST")
        assert_problem(answer, "malformed-body")


def test_a_trailer_that_closes_the_connection_leaves_nobody_waiting(
    watched: Service, writer: str
) -> None:
    for key in (writer, ""):
        whole = chunks(body()) + b"0\r\nconnection: close\r\n\r\n" + LIVE
        (answer,) = answers(watched, post(key, "transfer-encoding: chunked") + whole, "POST")
        assert answer.status_code == (204 if key else 403)


@pytest.mark.parametrize(
    "piece", [b"a: b\r\n" * 2_000, b"a" * 10_000, b"a: " + b"b" * 9_990 + b"\r\n"]
)
def test_trailers_without_end_are_not_read_without_end(
    piece: bytes, watched: Service, writer: str
) -> None:
    with Wire(watched.address) as wire:
        wire.send(post(writer, "transfer-encoding: chunked") + chunks(body()) + b"0\r\n")
        for _ in range(100):
            wire.send(piece)
        (answer,) = wire.answers("POST")
    assert_problem(answer, "malformed-body")


def test_an_extension_of_a_chunk_has_an_end(watched: Service, writer: str) -> None:
    fine = b"5;a=b\r\n" + body()[:5] + b"\r\n" + chunks(body()[5:]) + b"0;z\r\n\r\n"
    with Wire(watched.address) as wire:
        wire.send(post(writer, "transfer-encoding: chunked") + fine)
        assert counts(wire.answer()) == (0, 0, 0)
        wire.send(post(writer, "transfer-encoding: chunked") + b"5;")
        for _ in range(100):
            wire.send(b"a" * 10_000)
        (answer,) = wire.answers("POST")
    assert_problem(answer, "malformed-body")


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0", "h2c, websocket"])
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
@pytest.mark.parametrize("cut", [1, 50, 1_000_000])
def test_a_wish_for_another_protocol_is_passed_over(
    protocol: str, framing: str, cut: int, watched: Service, writer: str
) -> None:
    batch = body(login(f"{protocol} {framing} {cut}"))
    wish = (
        f"upgrade: {protocol}",
        "connection: upgrade, HTTP2-Settings",
        "http2-settings: AAMAAABk",
    )
    if framing == "chunked":
        sent = post(writer, "transfer-encoding: chunked", *wish) + chunks(batch) + b"0\r\n\r\n"
    else:
        sent = post(writer, f"content-length: {len(batch)}", *wish) + batch
    get = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    whole = sent + get + get + sent + LIVE
    with Wire(watched.address) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), cut):
            wire.send(whole[start : start + cut])
        taken, *live, again, last = wire.answers("POST", "GET", "GET", "POST", "GET")
    assert counts(taken) == (1, 0, 0)
    assert counts(again) == (0, 1, 0)
    assert [each.json() for each in (*live, last)] == [{"status": "live"}] * 3


def test_a_body_that_looks_like_a_request_is_none(watched: Service, writer: str) -> None:
    for wish in ((), ("connection: upgrade", "upgrade: h2c")):
        hidden = LIVE * 3
        sent = post(writer, f"content-length: {len(hidden)}", *wish) + hidden + LIVE
        first, second = answers(watched, sent, "POST", "GET")
        assert_problem(first, "malformed-body")
        assert second.json() == {"status": "live"}


def test_many_wishes_at_once_are_read_one_after_the_other(watched: Service) -> None:
    get = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    found = answers(watched, get * 2_000 + LIVE, *["GET"] * 2_001)
    assert [each.status_code for each in found] == [200] * 2_001


def test_a_client_that_closes_its_half_first_is_answered(watched: Service, writer: str) -> None:
    batch = body(*(login(f"half {number}") for number in range(500)))
    history = (
        f"GET /api/v1/history HTTP/1.1\r\nhost: x\r\nx-api-key: {writer}\r\n"
        "accept: application/x-ndjson\r\n\r\n"
    ).encode()
    with Wire(watched.address) as wire:
        wire.send(post(writer, f"content-length: {len(batch)}") + batch + history + LIVE)
        wire.socket.shutdown(socket.SHUT_WR)
        taken, lines, live = wire.answers("POST", "GET", "GET")
    assert sum(counts(taken)) == 500
    assert len([*map(json.loads, lines.content.splitlines())]) >= 500
    assert live.status_code == 200


def unfinished(key: str) -> Iterator[tuple[bytes, str]]:
    yield LIVE[:-2], "bad-request"
    yield b"GE", "bad-request"
    yield b"GET /health/live\xff", "bad-request"
    yield post(key, "content-length: 100") + b"{", "malformed-body"
    yield post(key, "transfer-encoding: chunked") + chunks(body()), "malformed-body"
    yield post("", "content-length: 100") + b"{", "forbidden"


def test_a_request_that_ends_early_is_answered_where_it_can_be(
    watched: Service, writer: str
) -> None:
    for sent, name in unfinished(writer):
        with Wire(watched.address) as wire:
            wire.send(sent)
            wire.socket.shutdown(socket.SHUT_WR)
            (answer,) = wire.answers("POST")
        assert_problem(answer, name)
        assert logged(watched, answer)["status"] == answer.status_code


def test_who_says_nothing_hears_nothing(watched: Service) -> None:
    for silence in (b"", b"\r\n", b"\r\n\r\n"):
        with Wire(watched.address) as wire:
            wire.send(silence)
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.rest() == b""


def test_requests_behind_one_that_closes_are_not_answered(watched: Service) -> None:
    assert len(answers(watched, LIVE * 3, *["GET"] * 3)) == 1
    (answer,) = answers(watched, LIVE + b"\xff\xff\r\n\r\n", "GET", "GET")
    assert answer.status_code == 200
