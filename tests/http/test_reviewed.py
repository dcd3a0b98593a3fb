"""Requests that a review found answered wrongly."""

import contextlib
import gzip
from collections.abc import Callable

import httpx

from tests.databases import Database
from tests.http.service import Service, on
from tests.http.wire import EVENTS, Wire, body, login


def test_a_small_body_that_unpacks_to_more_than_the_budget_is_503(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    own = start(settings=on(fresh_database) | {"ROUNDBOOK_MAX_INFLIGHT_BYTES": "200000"})
    own.new_tenant("t")
    packed = gzip.compress(body(login("a", note="x" * 1_000_000)))
    assert len(packed) < 10_000
    with own.client(own.new_key("t", "ingest")) as client:
        refused = client.post(EVENTS, content=packed, headers={"content-encoding": "gzip"})
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:roundbook:problem:too-busy"
        assert "Retry-After" in refused.headers
        taken = client.post(EVENTS, content=body(login("a")))
        assert (taken.status_code, taken.headers["Events-Stored"]) == (204, "1")


def test_headers_without_end_are_refused_before_they_are_held(service: Service) -> None:
    with Wire(service.address) as wire:
        wire.send(b"GET /health/live HTTP/1.1\r\nhost: roundbook\r\n")
        with contextlib.suppress(ConnectionError):
            for number in range(1_000):
                wire.send(b"x-%d: %b\r\n" % (number, b"y" * 10_000))
        assert wire.socket.recv(12) in {b"HTTP/1.1 431", b""}
    with Wire(service.address) as wire:
        wire.request("GET /health/live", {"x-long": "y" * 30_000})
        assert wire.answer("GET").status_code == 200


def test_a_file_of_the_documentation_that_is_none_is_404(service: Service) -> None:
    for name in ("%00", "a" * 5_000, "nope", "..%2f..%2fpyproject.toml"):
        answer = httpx.get(f"{service.url}/documentation/{name}", timeout=60)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_path_whose_prefix_is_spelled_with_percent_signs_leads_to_no_id(
    service: Service, key: str, client: httpx.Client
) -> None:
    client.post(EVENTS, content=body(login("a", player_id="ab")))
    client.get("/api/v1/players", params={"at_least": 1})
    for path, status in (
        ("/api/v1/players/ab", 200),
        ("/api/v1/players/6162", 404),
        ("/api/v1/%70layers/6162", 404),
    ):
        with Wire(service.address) as wire:
            wire.request(f"GET {path}", {"x-api-key": key})
            assert wire.answer("GET").status_code == status, path
