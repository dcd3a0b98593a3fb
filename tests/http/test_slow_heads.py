"""Heads that never come, and those that hold more than any client needs."""

import select
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import Service, on, serving
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, login, new_key

BEGUN = b"GET / HTTP/1.1\r\nhost: roundbook\r\nx-slow: "


@pytest.fixture(scope="module")
def impatient(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits a second for a head."""
    settings = on(served) | {"ROUNDBOOK_HEAD_TIMEOUT_S": "1"}
    with serving(tmp_path_factory.mktemp("impatient"), settings=settings) as running:
        yield running


@pytest.fixture
def key(served: Database) -> str:
    with connect(served.service_url) as connection:
        name = create_tenant(connection, f"slow-{time.monotonic_ns()}").name
    return new_key(served, name, "ingest", "audit")


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nhost: roundbook\r\n\r\n"])
def test_a_head_that_is_never_whole_ends_the_connection(first: bytes, impatient: Service) -> None:
    with Wire(impatient.address) as wire:
        wire.send(first + BEGUN)
        *answers, refused = wire.answers("GET", "GET")
    assert [answer.status_code for answer in answers] == ([200] if first else [])
    assert_problem(refused, "head-too-slow")
    assert refused.headers["connection"] == "close"


@pytest.mark.parametrize("trickled", [b"a", b"\r\n"], ids=["a header", "empty lines"])
def test_a_byte_now_and_then_is_no_head(trickled: bytes, impatient: Service) -> None:
    with Wire(impatient.address) as wire:
        wire.send(b"" if trickled == b"\r\n" else BEGUN)
        for _ in range(600):
            if select.select([wire.socket], [], [], 0.1)[0]:
                break
            wire.send(trickled)
        else:
            pytest.fail("it was waited for without end")


def test_a_connection_without_a_request_ends(impatient: Service) -> None:
    with Wire(impatient.address) as wire:
        assert wire.closed()


@pytest.mark.parametrize("line", [f"POST {EVENTS}", "GET /health/live"])
def test_the_rest_of_a_body_is_not_waited_for_after_the_answer(
    line: str, impatient: Service
) -> None:
    with Wire(impatient.address) as wire:
        wire.request(line, {"content-length": "100000"})
        wire.answer(line.partition(" ")[0])
        wire.send(b"{")
        assert wire.closed()


def test_who_reads_or_sends_a_body_for_longer_is_let_be(impatient: Service, key: str) -> None:
    sent = body(login("a"))
    head = {"x-api-key": key, "content-type": "application/json"}
    listening = {"accept": "text/event-stream"}
    with (
        impatient.client(key) as client,
        client.stream("GET", "/api/v1/history", headers=listening) as stream,
        Wire(impatient.address) as wire,  # last: its head must come within a second
    ):
        wire.request(f"POST {EVENTS}", head | {"content-length": str(len(sent))})
        wire.send(sent[:1])
        time.sleep(2.5)  # longer than a head may take
        wire.send(sent[1:])
        assert counts(wire.answer()) == (1, 0, 0)
        assert any(line.startswith("id:") for line in stream.iter_lines())


def test_headers_are_limited_in_number(impatient: Service) -> None:
    def asked(number: int) -> httpx.Response:
        with Wire(impatient.address) as wire:
            lines = b"".join(b"x-%d: 1\r\n" % each for each in range(number))
            wire.send(b"GET / HTTP/1.1\r\nhost: roundbook\r\n" + lines + b"\r\n")
            return wire.answer()

    assert asked(127).status_code == 200
    assert_problem(asked(128), "head-too-large")


def test_chunks_of_mostly_extensions_are_refused(impatient: Service, key: str) -> None:
    # What came in one read with the head is not counted, 256 KiB at most: there is more.
    sent = body(*(login(f"b{number}") for number in range(5)))
    head = {"x-api-key": key, "content-type": "application/json", "transfer-encoding": "chunked"}
    extension = b";" + b"x" * 1000
    with Wire(impatient.address) as wire:
        wire.request(f"POST {EVENTS}", head)
        with suppress(OSError):  # it may be refused before all was sent
            for byte in sent:
                wire.send(b"1%b\r\n%c\r\n" % (extension, byte))
        assert_problem(wire.answer(), "malformed-body")


def test_a_body_in_chunks_of_one_byte_is_taken(impatient: Service, key: str) -> None:
    sent = body(*(login(str(number)) for number in range(300)))
    head = {"x-api-key": key, "content-type": "application/json", "transfer-encoding": "chunked"}
    with Wire(impatient.address) as wire:
        wire.request(f"POST {EVENTS}", head)
        wire.send(b"".join(b"1\r\n%c\r\n" % byte for byte in sent) + b"0\r\n\r\n")
        assert counts(wire.answer()) == (300, 0, 0)
