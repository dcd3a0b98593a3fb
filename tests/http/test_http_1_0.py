"""HTTP/1.0 has no chunks: an answer without a length is itself, and ends with the connection."""

import json

import pytest

from app.tenants import find_tenant, list_keys, revoke_key
from postgres.connections import connect
from tests.http.service import Service, logged
from tests.http.wire import EVENTS, Wire, body, counts, login

pytestmark = pytest.mark.xdist_group("watched")

NDJSON = "accept: application/x-ndjson"
EVENT_STREAM = "accept: text/event-stream"


@pytest.fixture(scope="module")
def filled(watched: Service, writer: str) -> int:
    """How many events the log holds."""
    with watched.client(writer) as client:
        for number in range(5):
            items = (login(f"{number} {each}", note="x" * 200) for each in range(1_000))
            assert counts(client.post(EVENTS, content=body(*items))) == (1_000, 0, 0)
        assert client.get("/api/v1/players", params={"at_least": 5_000}).status_code == 200
    return 5_000


def ask(service: Service, line: str, *headers: str) -> tuple[str, bytes]:
    """Ask in HTTP/1.0; gives the head of the answer, and all that comes behind it."""
    with Wire(service.address) as wire:
        wire.send("".join(f"{each}\r\n" for each in [f"{line} HTTP/1.0", *headers, ""]).encode())
        head, _, rest = wire.rest().partition(b"\r\n\r\n")
    return head.decode().lower(), rest


@pytest.mark.parametrize("more", [(), ("host: roundbook",), ("connection: keep-alive",)])
def test_history_as_lines_is_nothing_but_lines(
    more: tuple[str, ...], watched: Service, writer: str, filled: int
) -> None:
    head, rest = ask(watched, "GET /api/v1/history", f"x-api-key: {writer}", NDJSON, *more)
    assert head.startswith("http/1.1 200 ")
    assert "transfer-encoding" not in head
    assert "content-length" not in head
    assert "connection: close" in head
    entries = [json.loads(line) for line in rest.decode().splitlines()]
    assert [entry["position"] for entry in entries] == list(range(1, filled + 1))


def test_history_as_events_is_nothing_but_events(
    watched: Service, writer: str, filled: int
) -> None:
    line = f"GET /api/v1/history?to_position={filled}"
    head, rest = ask(watched, line, f"x-api-key: {writer}", EVENT_STREAM)
    assert "transfer-encoding" not in head
    comment, *events, end, nothing = rest.decode().split("\n\n")
    assert (comment, end, nothing) == (":", f"id: {filled}", "")
    assert [event.splitlines()[0] for event in events] == [f"id: {n + 1}" for n in range(filled)]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/health/live", "/health/ready", "/metrics", "/schema", "/schema/openapi.json"),
        *("/documentation/swagger-ui.css", "/api/v1/players", "/api/v1/history"),
    ],
)
def test_all_else_is_as_in_1_1(path: str, watched: Service, writer: str, filled: int) -> None:
    assert filled
    head, rest = ask(watched, f"GET {path}", f"x-api-key: {writer}", "host: roundbook")
    with Wire(watched.address) as wire:
        wire.request(f"GET {path}", {"x-api-key": writer})
        newer = wire.answer("GET")
    assert head.startswith(f"http/1.1 {newer.status_code} ")
    assert "transfer-encoding" not in head
    assert f"content-length: {len(rest)}" in head
    if path != "/metrics" and newer.status_code == 200:
        assert rest == newer.content


def test_a_batch_is_taken_and_nobody_is_told_to_continue(watched: Service, writer: str) -> None:
    sent = body(login("1.0"))
    with Wire(watched.address) as wire:
        wire.send(
            f"POST {EVENTS} HTTP/1.0\r\nx-api-key: {writer}\r\ncontent-type: application/json\r\n"
            f"expect: 100-continue\r\ncontent-length: {len(sent)}\r\n\r\n".encode()
        )
        wire.send(sent)
        (answer,) = wire.answers("POST")
    assert sum(counts(answer)) == 1
    assert logged(watched, answer)["stored"] == 1


def test_what_was_broken_off_does_not_look_like_the_end(watched: Service) -> None:
    watched.new_tenant("broken")
    key = watched.new_key("broken", "audit")
    with Wire(watched.address) as wire:
        wire.send(
            f"GET /api/v1/history?from_position=1000000 HTTP/1.0\r\nx-api-key: {key}\r\n"
            f"{EVENT_STREAM}\r\n\r\n".encode()
        )
        while not wire.socket.recv(1 << 16).endswith(b":\n\n"):
            pass
        with connect(watched.store_url) as connection:
            tenant = find_tenant(connection, "broken")
            revoke_key(connection, list_keys(connection, tenant)[-1].key_id)
        with pytest.raises(ConnectionResetError):
            wire.rest()
