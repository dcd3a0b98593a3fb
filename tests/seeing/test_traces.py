"""Traces of requests: sent where an operator wants them, of routes alone, and nothing of it otherwise."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.databases import Database
from tests.http.service import Service, environment, on, roundbook
from tests.http.wire import EVENTS, body, login

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(NamedTuple):
    """A collector of traces on loopback, and what was sent to it."""

    url: str
    sent: list[bytes]

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(each) for each in self.sent]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    sent: list[bytes] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["content-encoding"] is None
            sent.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Collector(f"http://127.0.0.1:{server.server_port}/v1/traces", sent)
        server.shutdown()


def test_each_request_is_a_span_of_its_route(
    fresh_database: Database, start: Callable[..., Service], collector: Collector
) -> None:
    service = start(settings=on(fresh_database) | {"ROUNDBOOK_TRACES_URL": collector.url})
    service.new_tenant("acme")
    key = service.new_key("acme", "ingest", "read")
    traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with service.client(key) as client:
        sent = client.post(
            EVENTS, content=body(login("a", player_id="secret-player")), headers=traced
        )
        assert sent.status_code == 204
        assert client.get("/api/v1/players/secret-player?at_least=1").is_success
        assert client.get("/api/v1/balances?player_id=secret-player").is_success
        assert client.get("/api/v1/players?wrong=secret-player").status_code == 422
        assert client.get("/health/ready").is_success
        assert client.get("/metrics").is_success
    service.stop()  # what is left is sent before the end

    spans = {span.name: span for span in collector.spans()}
    assert sorted(spans) == [
        "GET /api/v1/balances",
        "GET /api/v1/players",
        "GET /api/v1/players/{player_id}",
        "POST /api/v1/events",
    ]
    posted = spans["POST /api/v1/events"]
    assert (posted.trace_id.hex(), posted.parent_span_id.hex()) == (TRACE, PARENT)
    assert posted.kind == Span.SPAN_KIND_SERVER
    told = {each.key: each.value for each in posted.attributes}
    assert told["http.status_code"].int_value == 204
    assert told["roundbook.request_id"].string_value == sent.headers["x-request-id"]
    everything = b"".join(collector.sent)
    assert b"roundbook" in everything
    assert b"secret-player" not in everything
    assert key.encode() not in everything


def test_a_collector_that_is_away_costs_no_request(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    nowhere = "http://127.0.0.1:9/v1/traces"
    settings = on(fresh_database) | {
        "ROUNDBOOK_TRACES_URL": nowhere,
        "OTEL_BSP_SCHEDULE_DELAY": "1",
    }
    service = start(settings=settings)
    service.new_tenant("acme")
    with service.client(service.new_key("acme", "ingest")) as client:
        for number in range(20):
            answer = client.post(EVENTS, content=body(login(f"a{number}")))
            assert answer.status_code == 204, service.log()


_APPLICATION = """
import sys
from api.asgi import create_app
from app.settings import Settings
create_app(Settings(), sys.argv[1])
# Litestar looks for the API by itself.
apart = ("opentelemetry.sdk", "opentelemetry.exporter", "requests")
print([name for name in sys.modules if name.startswith(apart)])
"""


def test_nothing_of_it_is_there_unless_it_is_wanted(database_url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _APPLICATION, database_url],
        check=False,
        capture_output=True,
        text=True,
        env=environment({}),
        timeout=60,
    )
    assert ended.stdout == "[]\n", ended.stderr


def test_a_url_that_is_none_is_told(database: Database) -> None:
    settings = on(database) | {"ROUNDBOOK_TRACES_URL": "127.0.0.1:4318"}
    ended = roundbook("serve", settings=settings, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ROUNDBOOK_TRACES_URL: must be a URL, as http://127.0.0.1:4318/v1/traces" in ended.stderr
