"""What the tests send, and what they expect back."""

import io
import json
import socket
from collections.abc import Sequence
from http.client import HTTPResponse
from typing import Any, Self

import httpx

from app.tenants import create_key, find_tenant
from postgres.connections import connect
from tests.databases import Database

EVENTS = "/api/v1/events"
NOON = "2025-01-15T12:00:00Z"

_STATUS = {
    "bad-request": 400,
    "body-too-slow": 408,
    "malformed-body": 400,
    "forbidden": 403,
    "tenant-closed": 403,
    "not-found": 404,
    "not-sealed": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "head-too-slow": 408,
    "beyond-head": 409,
    "other-log": 409,
    "body-too-large": 413,
    "too-many-items": 413,
    "target-too-long": 414,
    "unsupported-media-type": 415,
    "unsupported-encoding": 415,
    "invalid-items": 422,
    "invalid-parameters": 422,
    "rate-limited": 429,
    "head-too-large": 431,
    "not-implemented": 501,
    "out-of-resources": 503,
    "starting": 503,
    "store-unavailable": 503,
    "too-busy": 503,
    "version-not-supported": 505,
}


def item(event: str, unique_id: str, **data: Any) -> dict[str, Any]:
    return {"event": event, "data": {"unique_id": unique_id, "timestamp": NOON, **data}}


def login(unique_id: str, **data: Any) -> dict[str, Any]:
    return item("login", unique_id, **{"player_id": "p", **data})


def deposit(unique_id: str, **data: Any) -> dict[str, Any]:
    paid = {"player_id": "p", "amount": 1, "currency": "EUR", "method": "card"}
    return item("deposit", unique_id, **{**paid, **data})


def bet(unique_id: str, **data: Any) -> dict[str, Any]:
    stake = {"player_id": "p", "game_id": "g", "round_id": "r", "amount": 1, "currency": "EUR"}
    return item("gameround", unique_id, **{**stake, "is_win": False, "is_bonus": False, **data})


def body(*items: Any) -> bytes:
    return json.dumps({"items": items}).encode()


def new_key(database: Database, tenant: str, *scopes: Any, **options: Any) -> str:
    """Make a key, without the command line."""
    with connect(database.service_url) as connection:
        owner = find_tenant(connection, tenant)
        return create_key(connection, owner, scopes or ("ingest",), **options).key


def recorded(url: str) -> int:
    """How many events the log holds."""
    with connect(url) as connection:
        found = connection.execute("select count(*) from events").fetchone()
    assert found is not None
    return int(found[0])


def assert_problem(answer: httpx.Response, name: str) -> dict[str, Any]:
    """Fail unless an answer is this problem, with all that the contract promises of one."""
    assert answer.status_code == _STATUS[name], answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"urn:roundbook:problem:{name}"
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    for member in ("title", "detail", "request_id"):
        assert isinstance(problem[member], str)
        assert problem[member]
    return problem


def counts(answer: httpx.Response) -> tuple[int, int, int]:
    """The headers Events-Stored, Events-Duplicate and Events-Conflict of a batch that was taken."""
    assert answer.status_code == 204, answer.text
    assert answer.content == b""
    return (
        int(answer.headers["events-stored"]),
        int(answer.headers["events-duplicate"]),
        int(answer.headers["events-conflict"]),
    )


class _Rest(io.BytesIO):
    """What came, as the socket that http.client wants to read answers from, one after the other."""

    number = 0

    def makefile(self, _mode: str) -> "_Rest":
        return self

    def close(self) -> None:
        """Stay open for the next answer."""

    def answer(self, methods: Sequence[str]) -> httpx.Response | None:
        if self.tell() == len(self.getvalue()):
            return None
        response = HTTPResponse(self, method=methods[self.number])  # type: ignore[arg-type]
        self.number += 1
        response.begin()
        content = response.read()
        return httpx.Response(response.status, headers=response.getheaders(), content=content)


class Wire:
    """A connection on which anything can be said, and answers are read as they come."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: bytes) -> None:
        self.socket.sendall(text)

    def request(self, line: str, headers: dict[str, str] | list[tuple[str, str]]) -> None:
        """Send the head of a request."""
        pairs = headers.items() if isinstance(headers, dict) else headers
        lines = [
            f"{line} HTTP/1.1",
            "host: roundbook",
            *(f"{name}: {value}" for name, value in pairs),
        ]
        self.send("".join(text + "\r\n" for text in [*lines, ""]).encode("latin-1"))

    def answer(self, method: str = "POST") -> httpx.Response:
        """Read one answer; 100 Continue is passed over."""
        response = HTTPResponse(self.socket, method=method)
        response.begin()
        content = response.read()
        return httpx.Response(response.status, headers=response.getheaders(), content=content)

    def continues(self) -> bool:
        """Wait until the service asks for the body (`Expect: 100-continue`)."""
        wanted = b"HTTP/1.1 100 Continue\r\n\r\n"
        return self.socket.recv(len(wanted), socket.MSG_WAITALL) == wanted

    def rest(self) -> bytes:
        """Read all that comes until the service closes the connection."""
        return b"".join(iter(lambda: self.socket.recv(1 << 16), b""))

    def answers(self, *methods: str) -> list[httpx.Response]:
        """Read until the service closes the connection: an answer to each of `methods` at most."""
        rest = _Rest(self.rest())
        return list(iter(lambda: rest.answer(methods), None))

    def closed(self) -> bool:
        """Wait until the service closes the connection, which says nothing more."""
        return self.socket.recv(1) == b""
