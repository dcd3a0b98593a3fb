"""What a browser asks the API through the console: answers as they are, of the API alone, by GET alone."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from app.tenants import find_tenant, list_keys, revoke_key
from postgres.connections import connect
from tests.console.conftest import HOSTILE_IDS, TENANT
from tests.console.visiting import client_of, enter
from tests.http.service import Service, eventually
from tests.http.wire import EVENTS, body, counts, login


@pytest.fixture
def inside(service: Service, key: str) -> Iterator[httpx.Client]:
    with client_of(service) as client:
        assert enter(client, key).status_code == 303
        yield client


def raw_get(service: Service, target: str, client: httpx.Client) -> tuple[int, bytes]:
    """Ask for a target as it stands, which no client library would send."""
    connection = http.client.HTTPConnection(*service.address, timeout=60)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    connection.putrequest("GET", target, skip_host=False)
    connection.putheader("Cookie", cookies)
    connection.endheaders()
    with closing(connection), connection.getresponse() as answer:
        return answer.status, answer.read()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/status",
        "/v1/players?limit=3",
        "/v1/players/P%204%20%C3%BCn%C3%AFcode",
        "/v1/history?from_position=1&to_position=20",
        "/v1/reports/revenue?from=2025-01-15&to=2025-01-16",
        "/v1/players?limit=nothing",
        "/v1/players/nobody",
    ],
)
def test_an_answer_is_that_of_the_api(
    service: Service, inside: httpx.Client, key: str, path: str
) -> None:
    through = inside.get("/console/api" + path, headers={"accept": "application/json"})
    with service.client(key) as client:
        itself = client.get("/api" + path)
    assert through.status_code == itself.status_code
    varying = {"request_id": None, "generated_at": None}
    assert through.json() | varying == itself.json() | varying
    for name in ("content-type", "log-position", "log-id", "cache-control"):
        assert through.headers.get(name) == itself.headers.get(name)


@pytest.mark.parametrize(
    ("kind", "path", "media_type"),
    [
        ("csv", "/v1/players", "text/csv; charset=utf-8"),
        ("ndjson", "/v1/history", "application/x-ndjson"),
        ("html", "/v1/reports/revenue?from=2025-01-15&to=2025-01-16", "text/html; charset=utf-8"),
    ],
)
def test_a_link_can_ask_for_another_form(
    service: Service, inside: httpx.Client, key: str, kind: str, path: str, media_type: str
) -> None:
    through = inside.get(f"/console/{kind}{path}")
    assert through.status_code == 200
    assert through.headers["content-type"] == media_type
    if kind != "html":
        with service.client(key) as client:
            itself = client.get("/api" + path, headers={"accept": media_type})
        assert through.content == itself.content


@pytest.mark.parametrize("number", range(len(HOSTILE_IDS)))
def test_ids_in_paths_arrive_as_they_were_sent(
    service: Service, inside: httpx.Client, number: int
) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in HOSTILE_IDS[number].encode())
    status, told = raw_get(service, f"/console/api/v1/players/{encoded}", inside)
    assert status == 200
    assert json.loads(told)["player_id"] == HOSTILE_IDS[number]


def test_ids_may_stand_in_paths_undecorated(service: Service, inside: httpx.Client) -> None:
    status, told = raw_get(service, "/console/api/v1/players/..", inside)
    assert (status, json.loads(told)["player_id"]) == (200, "..")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/console/api//evil.example/v1/status", 404),
        ("//evil.example/console/api/v1/status", 404),
        ("/console/api/v1//evil.example", 404),
        ("/console/api/v1/../../metrics", 404),
        ("/console/api/v1/%2e%2e/%2e%2e/metrics", 404),
        ("/console/api/../metrics", 404),
        ("/console/api/../v1/status", 404),
        ("/console/api/%2e%2e/v1/status", 404),
        ("/console/api/v2/status", 404),
        ("/console/api/metrics", 404),
        ("/console/api/health/live", 404),
        ("/console/api/schema", 404),
        ("/console/api/v1", 404),
        ("/console/api/v1/", 404),
        ("/console/api/v1/console", 404),
        ("/console/api/console/api/v1/status", 404),
        ("/console/csv/metrics", 404),
        ("/console/xml/v1/players", 404),
        ("/console/api/v1/status%00", 404),
    ],
)
def test_nothing_but_the_api_is_reached(
    service: Service, inside: httpx.Client, target: str, status: int
) -> None:
    assert raw_get(service, target, inside)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/console/api/v1/events", "/console/csv/v1/players"])
def test_nothing_is_handed_on_but_what_is_asked(
    inside: httpx.Client, method: str, path: str
) -> None:
    answer = inside.request(method, path, content=body(login("forwarded")))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert inside.head(path.replace("events", "status")).status_code == 200


def test_a_header_of_the_browser_can_not_take_the_place_of_the_session(
    inside: httpx.Client,
) -> None:
    told = inside.get("/console/api/v1/key", headers={"x-api-key": "rb_other", "accept": "*/*"})
    assert told.json()["tenant"]["name"] == TENANT


def test_without_a_session_a_script_is_refused_and_a_person_led_to_the_login(
    service: Service,
) -> None:
    with client_of(service) as client:
        refused = client.get("/console/api/v1/status")
        assert refused.status_code == 403
        assert refused.headers["content-type"] == "application/problem+json"
        led = client.get("/console/csv/v1/players?country=MT")
        assert led.status_code == 303
        assert (
            led.headers["location"]
            == "/console/login?next=%2Fconsole%2Fcsv%2Fv1%2Fplayers%3Fcountry%3DMT"
        )


def test_a_file_that_is_refused_is_a_page_that_says_why(inside: httpx.Client) -> None:
    answer = inside.get("/console/csv/v1/players?country=")
    assert answer.status_code == 200
    answer = inside.get("/console/csv/v1/players?raw=perhaps")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<code>raw</code>" in answer.text
    assert "<nav" not in answer.text or TENANT in answer.text


def test_a_stream_goes_on_and_ends_as_the_browser_leaves(service: Service) -> None:
    service.new_tenant("streaming")
    key = service.new_key("streaming", "ingest", "read", "audit")
    with service.client(key) as client, client_of(service) as browser:
        counts(client.post(EVENTS, content=body(login("l-1"), login("l-2"))))
        enter(browser, key)
        path = "/console/api/v1/history?from_position=2"
        with browser.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            request_id = f'"request_id":"{stream.headers["x-request-id"]}"'
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("id:")) == "id: 2"
            counts(client.post(EVENTS, content=body(login("while it streams"))))
            assert next(line for line in lines if "while it streams" in line)
            assert request_id not in service.log()
        eventually(lambda: request_id in service.log())


def test_a_stream_ends_when_its_key_is_revoked(service: Service) -> None:
    with client_of(service) as client:
        enter(client, service.new_key(TENANT, "audit"))
        path = "/console/api/v1/history"
        with (
            client.stream("GET", path, headers={"accept": "text/event-stream"}) as stream,
            connect(service.store_url) as connection,
        ):
            pieces = stream.iter_raw()
            assert next(pieces)
            newest = list_keys(connection, find_tenant(connection, TENANT))[-1]
            revoke_key(connection, newest.key_id)
            with pytest.raises(httpx.RemoteProtocolError):
                for _ in pieces:
                    pass


def test_what_is_left_half_sent_is_no_fault_of_the_service(service: Service) -> None:
    with socket.create_connection(service.address, timeout=60) as raw:
        raw.sendall(
            b"POST /console/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
            b"content-type: application/x-www-form-urlencoded\r\n\r\n5\r\nkey=a\r\nnonsense"
        )
        head = raw.makefile("rb").readline()
    assert b" 400 " in head, head
    # Other tests let read models stand still, which is an error, too.
    assert not [line for line in service.log_lines() if line["event"] == "fault of the service"]
