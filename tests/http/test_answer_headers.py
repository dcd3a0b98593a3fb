"""What every answer says to browsers and to caches."""

import httpx
import pytest

from tests.http.service import Service
from tests.http.wire import EVENTS, Wire, body, login

OF_NOBODY = ("/", "/schema", "/schema/openapi.json", "/documentation/home.css", "/nope", "/metrics")
OF_A_TENANT = (
    "/api/v1/status",
    "/api/v1/players/nobody",
    "/api/v1/players?limit=none",
    "/api/v1/history",
    "/api/v1/accesses",
    "/api/v1/evidence/keys",
    "/api/v1/evidence/inclusion?position=1",
    "/api/v1/nope",
    "/api//v1/status",
    "/api/v1/events",
)


@pytest.mark.parametrize("path", [*OF_NOBODY, *OF_A_TENANT])
def test_a_browser_takes_every_answer_for_what_it_says(path: str, client: httpx.Client) -> None:
    assert client.get(path).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", OF_A_TENANT)
def test_no_cache_keeps_what_is_of_a_tenant(path: str, client: httpx.Client) -> None:
    assert client.get(path).headers["cache-control"] in {"no-store", "no-cache"}
    assert httpx.get(client.base_url.join(path), timeout=60).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("content", [b"", b"{", body(login("a")), body(login(""))])
def test_no_cache_keeps_what_ingest_answers(content: bytes, client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=content, headers={"prefer": "return=representation"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_request_that_is_none_is_answered_alike(service: Service) -> None:
    with Wire(service.address) as wire:
        wire.send(b"GET /api/v1/status HTTP/1.1\r\nhost: a b\r\n\r\n")
        answer = wire.answer()
    assert answer.status_code == 400
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/schema", "/schema/swagger"])
def test_a_page_may_load_and_do_only_what_it_needs(path: str, service: Service) -> None:
    policy = httpx.get(service.url + path, headers={"accept": "text/html"}, timeout=60).headers[
        "content-security-policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "path",
    ["/nope", "/schema/nope", "/schema/openapi.yml", "/documentation/nope", "/health", "/health/x"],
)
def test_every_404_is_a_problem(path: str, service: Service) -> None:
    answer = httpx.get(service.url + path, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
