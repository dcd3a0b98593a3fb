"""Errors of the console: pages for people, that say what is wrong and what to do next."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.console.conftest import TENANT
from tests.console.pages import PAGES, Page
from tests.console.visiting import client_of, enter
from tests.databases import Database, new_database
from tests.http.service import Service, on, roundbook, serving

PAGE = "text/html; charset=utf-8"
MOST_REQUESTS = {"player": 17, "rounds": 17}


@pytest.fixture
def inside(service: Service, key: str) -> Iterator[httpx.Client]:
    with client_of(service) as client:
        assert enter(client, key).status_code == 303
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/console/nothing", 404, "There is no page at this address."),
        ("GET", "/console/nothing/%3Cscript%3E", 404, "There is no page at this address."),
        ("GET", "/console/static/0/console.css", 404, "There is no page at this address."),
        ("PUT", "/console", 405, "in this way"),
        ("POST", "/console", 405, "in this way"),
        ("GET", "/console/logout", 405, "in this way"),
    ],
)
def test_an_error_is_a_page(
    inside: httpx.Client, method: str, path: str, status: int, says: str
) -> None:
    answer = inside.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PAGE)
    assert says in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert '<a href="/console">Overview</a>' in answer.text


def test_what_htmx_asks_for_is_a_part_of_a_page(inside: httpx.Client) -> None:
    answer = inside.get("/console/nothing", headers={"hx-request": "true"})
    assert answer.status_code == 404
    assert answer.text.lstrip().startswith('<div class="problem"')
    assert "<html" not in answer.text


def test_htmx_is_led_to_the_login_and_back_to_the_page(service: Service) -> None:
    with client_of(service) as client:
        page = f"{service.url}/console/log?event=game"
        headers = {"hx-request": "true", "hx-current-url": page}
        answer = client.get("/console", headers=headers)
    assert answer.status_code == 403
    assert answer.headers["hx-redirect"] == "/console/login?next=%2Fconsole%2Flog%3Fevent%3Dgame"


@pytest.mark.parametrize("host", ["console.example", "console", "a.example:8443"])
def test_the_login_leads_back_whatever_the_host_is_called(service: Service, host: str) -> None:
    page = "/console/log?event=game&q=/console/x%20%C3%A4"
    with client_of(service) as client:
        asked = client.get(page, headers={"host": host})
        headers = {"host": host, "hx-request": "true", "hx-current-url": f"https://{host}{page}"}
        part = client.get("/console", headers=headers)
    for login in (asked.headers["location"], part.headers["hx-redirect"]):
        assert httpx.URL(login).params["next"] == page


def test_a_form_that_is_too_long_is_refused(inside: httpx.Client) -> None:
    answer = inside.post("/console/login", data={"key": "k" * 20_000})
    assert (answer.status_code, answer.headers["content-type"]) == (413, PAGE)
    assert "too long" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console/",
        "/console/login",
        "/console/nothing",
        "/console/logout",
        "/console/api/v1/status",
        "/console/api/v1/nothing",
        "/console/csv/v1/players",
        "/console/csv/v1/nothing",
        "/console/api/v2",
    ],
)
@pytest.mark.parametrize("logged_in", [True, False])
def test_no_cache_keeps_an_answer_and_each_says_what_a_page_may_do(
    service: Service, inside: httpx.Client, path: str, logged_in: bool
) -> None:
    with client_of(service) as stranger:
        answer = (inside if logged_in else stranger).get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_limit_that_is_reached_is_said_on_the_page(
    admin_url: str, template: Database, tmp_path: Path
) -> None:
    with new_database(admin_url, template=template) as database:
        settings = on(database) | {"ROUNDBOOK_KEY_CACHE_S": "0"}
        with serving(tmp_path, settings=settings) as service:
            service.new_tenant(TENANT)
            key = service.new_key(TENANT, "read")
            with client_of(service) as client:
                assert enter(client, key).status_code == 303
                limit = ("--requests-per-second", "1", "--burst-s", "1")
                roundbook("tenant", "limit", TENANT, *limit, settings=settings)
                answers = [client.get("/console") for _ in range(20)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["content-type"] == PAGE
    assert "requests a second" in refused.text
    after_s = int(refused.headers["retry-after"])
    said = "a second" if after_s == 1 else f"{after_s} seconds"
    assert f"Load the page again in {said}." in refused.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_takes_no_more_requests_than_the_docs_say(
    service: Service, inside: httpx.Client, page: Page
) -> None:
    answer = inside.get(page.path)
    assert answer.status_code == 200
    of_it = [
        line
        for line in service.log_lines()
        if line.get("request_id") == answer.headers["x-request-id"]
    ]
    asked = [line["path"] for line in of_it if str(line.get("path")).startswith("/api/")]
    assert "/api/v1/key" in asked
    assert len(asked) <= MOST_REQUESTS.get(page.name, 5)


def test_a_form_that_does_not_arrive_is_given_up(
    admin_url: str, template: Database, tmp_path: Path
) -> None:
    with new_database(admin_url, template=template) as database:
        settings = on(database) | {"ROUNDBOOK_BODY_TIMEOUT_S": "0.5"}
        with (
            serving(tmp_path, settings=settings) as service,
            socket.create_connection(service.address, timeout=60) as raw,
        ):
            raw.sendall(
                b"POST /console/login HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n"
                b"content-type: application/x-www-form-urlencoded\r\n\r\nkey"
            )
            answer = raw.makefile("rb").readline()
    assert b" 408 " in answer
