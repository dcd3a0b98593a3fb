"""Listeners to the log: when they are done, when they are lost, and when they just go away."""

import json
import re
import socket
import struct
from collections.abc import Iterator

import httpx
import pytest

from app.tenants import find_tenant, list_keys, revoke_key
from postgres.connections import connect
from tests.http.service import Service, eventually, logged
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, deposit, login

pytestmark = pytest.mark.xdist_group("watched")

HISTORY = "/api/v1/history"
ACCEPT = {"accept": "text/event-stream"}
LOG_LENGTH = 3_000


@pytest.fixture(scope="module")
def auditor(watched: Service, writer: str) -> Iterator[httpx.Client]:
    """A client of a tenant whose log has 3,000 events, of which every thousandth is a deposit."""
    with watched.client(writer) as client:
        for start in range(0, LOG_LENGTH, 1_000):
            items = [login(f"e{start + each}", note="x" * 1_000) for each in range(999)]
            taken = client.post(EVENTS, content=body(*items, deposit(f"d{start}")))
            assert counts(taken) == (1_000, 0, 0)
        yield client


def blocks(text: str) -> list[str]:
    *found, rest = text.split("\n\n")
    assert rest == ""
    return found


def test_a_listener_hears_a_comment_before_all_else(auditor: httpx.Client) -> None:
    for last in (0, LOG_LENGTH):
        headers = ACCEPT | {"last-event-id": str(last)}
        with auditor.stream("GET", HISTORY, headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["x-accel-buffering"] == "no"
            assert "no-cache" in answer.headers["cache-control"]
            assert next(answer.iter_raw()).startswith(b":\n\n")


@pytest.mark.parametrize("beyond", [LOG_LENGTH + 1, 10**17])
def test_a_listener_that_is_ahead_of_the_log_hears_so(beyond: int, auditor: httpx.Client) -> None:
    answer = auditor.get(HISTORY, headers=ACCEPT | {"last-event-id": str(beyond)})
    problem = assert_problem(answer, "beyond-head")
    assert problem["log_position"] == LOG_LENGTH
    assert str(beyond) in problem["detail"]
    assert answer.headers["log-position"] == str(LOG_LENGTH)


def test_a_position_to_begin_at_may_be_still_to_come(auditor: httpx.Client) -> None:
    asked = {"from_position": LOG_LENGTH + 1_000}
    with auditor.stream("GET", HISTORY, headers=ACCEPT, params=asked) as answer:
        assert answer.status_code == 200
        assert next(answer.iter_raw()) == b":\n\n"
    assert auditor.get(HISTORY, params=asked).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "asked",
    [
        {"to_position": 5},
        {"to_position": 1_500, "event": "deposit"},
        {"to_position": LOG_LENGTH, "event": "deposit"},
        {"to_position": 2_999, "from_position": 2_500},
        {"to_position": 10, "from_position": 20},
        {"to_position": 3, "player_id": "nobody"},
        {"to_position": 0},
    ],
)
def test_an_event_source_stops_once_it_has_all_it_asked_for(
    asked: dict[str, str | int], auditor: httpx.Client
) -> None:
    expected = auditor.get(HISTORY, params=asked | {"limit": 1_000}).json()["items"]
    seen: list[int] = []
    last_event_id: dict[str, str] = {}
    for connection in range(3):
        answer = auditor.get(HISTORY, params=asked, headers=ACCEPT | last_event_id)
        if answer.status_code == 204:
            assert answer.content == b""
            assert answer.headers["log-position"] == str(LOG_LENGTH)
            break
        assert connection == 0
        for block in blocks(answer.text):
            for line in block.splitlines():
                name, _, value = line.partition(": ")
                if name == "id":
                    last_event_id = {"last-event-id": value}
                elif name == "data":
                    seen.append(json.loads(value)["position"])
    else:
        pytest.fail("it would come back for ever")
    assert last_event_id == {"last-event-id": str(asked["to_position"])}
    if len(expected) < 1_000:
        assert seen == [entry["position"] for entry in expected]


def test_a_client_that_keeps_ids_of_events_alone_stops_as_well(auditor: httpx.Client) -> None:
    asked: dict[str, str | int] = {"to_position": LOG_LENGTH - 1, "event": "deposit"}
    for last, status in (("1000", 200), ("2000", 204), ("2999", 204), (str(LOG_LENGTH), 204)):
        answer = auditor.get(HISTORY, params=asked, headers=ACCEPT | {"last-event-id": last})
        assert answer.status_code == status, last


def test_a_stream_whose_end_is_still_to_come_ends_when_it_has_come(
    watched: Service,
) -> None:
    watched.new_tenant("small")
    key = watched.new_key("small", "ingest", "audit")
    with watched.client(key) as client:
        client.post(EVENTS, content=body(login("a")))
        headers = ACCEPT | {"last-event-id": "1"}
        with client.stream("GET", HISTORY, headers=headers, params={"to_position": 3}) as answer:
            parts = answer.iter_text()
            assert next(parts) == ":\n\n"
            client.post(EVENTS, content=body(login("b")))
            client.post(EVENTS, content=body(login("c"), login("d")))
            text = "".join(parts)
    ids = re.findall(r"^id: (\d+)$", text, re.MULTILINE)
    assert ids == ["2", "3", "3"]


def test_a_key_that_is_revoked_ends_a_listener_without_a_fault(watched: Service) -> None:
    watched.new_tenant("revoked")
    key = watched.new_key("revoked", "audit")
    with watched.client(key) as client, client.stream("GET", HISTORY, headers=ACCEPT) as answer:
        with connect(watched.store_url) as connection:
            tenant = find_tenant(connection, "revoked")
            revoke_key(connection, list_keys(connection, tenant)[-1].key_id)
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in answer.iter_raw():
                pass
    assert logged(watched, answer)["status"] == 200


def leave(link: socket.socket, how: str) -> None:
    if how == "reset":
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "close half":
        link.shutdown(socket.SHUT_WR)
    link.close()


def in_progress(service: Service) -> int:
    """How many requests for history are at work."""
    metrics = httpx.get(service.url + "/metrics", timeout=60).text
    pattern = r'^roundbook_requests_in_progress\{.*path="/api/v1/history".*\} (\S+)$'
    return sum(int(float(each)) for each in re.findall(pattern, metrics, re.MULTILINE))


def test_who_goes_away_is_let_go_and_leaves_no_fault(watched: Service) -> None:
    watched.new_tenant("left")
    key = watched.new_key("left", "ingest", "audit")
    many = 500
    with watched.client(key) as client:
        client.post(EVENTS, content=body(*(login(f"{n}", note="x" * 5_000) for n in range(many))))
        for accept, last in (
            ("text/event-stream", 0),
            ("text/event-stream", many),
            ("application/x-ndjson", 0),
        ):
            head = (
                f"GET {HISTORY} HTTP/1.1\r\nhost: roundbook\r\nx-api-key: {key}\r\n"
                f"accept: {accept}\r\nlast-event-id: {last}\r\n\r\n"
            ).encode()
            leave_at_several_moments(watched, head)
        with client.stream("GET", HISTORY, headers=ACCEPT) as answer:
            assert answer.status_code == 200
            assert in_progress(watched) > 0
        # What is recorded is sent to whoever is still taken for a listener.
        for number in range(3):
            taken = client.post(EVENTS, content=body(login(f"new {number}")))
            assert counts(taken) == (1, 0, 0)
    eventually(lambda: in_progress(watched) == 0)
    assert [line for line in watched.log_lines() if line["level"] == "error"] == []


def leave_at_several_moments(service: Service, head: bytes) -> None:
    for how in ("close", "reset", "close half"):
        for sent, bytes_to_read in (
            (head[:20], 0),
            (head[:-2], 0),
            (head, 0),
            (head, 1),
            (head, 250),
            (head + head[:20], 250),
            (head * 3, 0),
            (head * 3, 250),
            (head + b"\xff\r\n\r\n", 250),
        ):
            with Wire(service.address) as wire:
                wire.send(sent)
                for _ in range(bytes_to_read):
                    assert wire.socket.recv(1) != b""
                leave(wire.socket, how)
