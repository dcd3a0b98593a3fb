"""What the client does with answers that a service gives rarely, from a server that gives them on request."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest
import stamina
from roundbook_client import AnsweredError, Client, NotAcknowledged, Problem
from roundbook_client.dead_letters import DeadLetters, Refused
from roundbook_client.retrying import delay_or_not, within_time
from roundbook_client.rules import Fault
from roundbook_client.spool.records import Position

from tests.client.conftest import quick
from tests.client.test_items import deposit
from tests.http.service import eventually

_LONG_S = 60


class Answer(NamedTuple):
    """What is answered; None is nothing at all: the connection ends."""

    status: int | None
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""


class Served(NamedTuple):
    """A server's URL, and what it was sent, with when."""

    url: str
    bodies: list[bytes]
    moments: list[float]


def taken(body: bytes) -> Answer:
    """Acknowledge all of a batch."""
    items = len(msgspec.json.decode(body)["items"])
    counts = {"events-stored": str(items), "events-duplicate": "0", "events-conflict": "0"}
    return Answer(204, {**counts, "log-position": str(items)})


@contextmanager
def answering(*answers: Answer) -> Iterator[Served]:
    """Serve these answers to what is posted, one after the other, and take all that comes after them."""
    waiting = list(answers)
    bodies: list[bytes] = []
    moments: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bodies.append(body)
            moments.append(time.monotonic())
            status, headers, content = waiting.pop(0) if waiting else taken(body)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", bodies, moments)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "first",
    [
        Answer(None),
        Answer(500),
        Answer(502, {}, b"<html>"),
        Answer(503, {"retry-after": "0"}),
        Answer(429, {"retry-after": "0"}),
        Answer(401),
        Answer(404, {}, b"nothing here"),
        Answer(400, {}, b'{"title": "odd"}'),
        Answer(301, {"location": "/elsewhere"}),
        Answer(204),  # of who is no Roundbook
        Answer(204, {"events-stored": "1", "events-duplicate": "0", "events-conflict": "0"}),
        Answer(200, {}, b"<html>welcome</html>"),
        Answer(422, {}, b"<html>no</html>"),
        Answer(422, {}, b'{"errors": []}'),
    ],
    ids=str,
)
def test_the_same_is_sent_until_it_is_acknowledged(tmp_path: Path, first: Answer) -> None:
    with (
        answering(first, first) as served,
        Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
    ):
        client.send([deposit("a"), deposit("b")])
        assert client.flush(_LONG_S) == 2
        assert client.problem is None
    assert len(served.bodies) == 3
    assert len(set(served.bodies)) == 1


def test_the_service_says_when_to_come_back(tmp_path: Path) -> None:
    with (
        answering(Answer(503, {"retry-after": "2"})) as served,
        Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
    ):
        client.send(deposit())
        client.flush(_LONG_S)
    first, second = served.moments
    assert second - first >= 2


def test_nobody_is_heeded_who_says_to_come_back_much_later() -> None:
    """A proxy may say anything: a spool waits for a minute at most, and a query is given up at once."""
    error = AnsweredError(503, Problem(detail="later"), 300.0)
    assert delay_or_not(error) == 60
    assert within_time()(error) is False
    assert within_time()(AnsweredError(503, Problem(), 2.0)) == 2.0
    assert within_time()(AnsweredError(500, Problem())) is True


def test_an_application_that_turned_retries_off_turns_none_of_these_off(tmp_path: Path) -> None:
    stamina.set_active(False)
    try:
        with (
            answering(Answer(503), Answer(None)) as served,
            Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
        ):
            client.send(deposit())
            assert client.flush(_LONG_S) == 1
    finally:
        stamina.set_active(True)
    assert len(served.bodies) == 3


def test_after_a_restart_the_very_same_batches_are_sent_and_no_item_is_set_aside_twice(
    tmp_path: Path,
) -> None:
    faulty = (
        b'{"errors": [{"pointer": "/items/1/data/amount", "code": "odd", "detail": "it is odd"}]}'
    )
    never = [Answer(503)] * 100
    with answering(Answer(422, {}, faulty), *never) as served:
        with Client(served.url, key="k", spool=tmp_path, options=quick(batch_items=3)) as client:
            client.send([deposit(str(number)) for number in range(3)])
            client.send(deposit("3"))
            eventually(lambda: len(served.bodies) > 1)
            client.close(timeout_s=0)
        first = served.bodies[0]
    # More comes, and larger batches are allowed: what was sent before is sent as it was.
    with (
        answering(Answer(422, {}, faulty)) as served,
        Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
    ):
        client.send(deposit("4"))
        client.flush(_LONG_S)
        assert client.counters.refused == 0
    assert served.bodies[0] == first
    sent = [
        [item["data"]["unique_id"] for item in msgspec.json.decode(body)["items"]]
        for body in served.bodies
    ]
    assert sent[1] == ["0", "2"]
    assert [each for batch in sent[2:] for each in batch] == ["3", "4"]
    assert len((tmp_path / "dead-letters.ndjson").read_text().splitlines()) == 1


def test_a_dead_letter_that_was_not_written_to_its_end_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    refused = [
        Refused(number, b'{"event":"x"}', [Fault("", "odd", "it is odd")]) for number in range(3)
    ]
    assert DeadLetters(path, "a", Position(1, 0)).add(Position(1, 0), refused) == 3
    whole = path.read_bytes()
    for length in range(len(whole) - 1, -1, -7):
        path.write_bytes(whole[:length])
        letters = DeadLetters(path, "a", Position(1, 0))
        # One that lacks its end of line alone is whole.
        kept = whole[: length + 1].count(b"\n")
        assert letters.add(Position(1, 0), refused) == 3 - kept
        lines = path.read_bytes().splitlines()
        assert [msgspec.json.decode(line)["place"] for line in lines] == [
            [1, 0, n] for n in range(3)
        ]


def test_broken_places_are_set_aside_and_told_and_what_follows_is_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        answering(*[Answer(503)] * 100) as served,
        Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
    ):
        for number in range(3):
            client.send(deposit(str(number)))
        client.close(timeout_s=0)
    [segment] = tmp_path.glob("*.segment")
    broken = segment.read_bytes().replace(b'"unique_id":"1"', b'"unique_id":"7"')
    segment.write_bytes(broken)
    (tmp_path / "acknowledged").unlink()
    with (
        answering() as served,
        Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
    ):
        client.flush(_LONG_S)
        assert client.counters.damaged == 1
    sent = [
        item["data"]["unique_id"]
        for body in served.bodies
        for item in msgspec.json.decode(body)["items"]
    ]
    assert sent == ["0", "2"]
    [aside] = (tmp_path / "damaged").iterdir()
    assert b'"unique_id":"7"' in aside.read_bytes()
    assert "are set aside in" in caplog.text


def test_what_is_not_taken_in_time_is_told_with_the_reason(tmp_path: Path) -> None:
    with (
        answering(*[Answer(500, {}, b'{"detail": "out of order"}')] * 100) as served,
        Client(served.url, key="k", spool=tmp_path, options=quick()) as client,
    ):
        client.send(deposit())
        eventually(lambda: client.problem is not None)
        with pytest.raises(NotAcknowledged, match="500: out of order"):
            client.flush(0)
        client.close(timeout_s=0)
