"""HEAD is answered wherever GET is: the same status and headers, and no body."""

import httpx
import pytest

from tests.evidence.conftest import sealed_size
from tests.http.service import Service, eventually, logged
from tests.http.wire import EVENTS, Wire, assert_problem, body, deposit, login

pytestmark = pytest.mark.xdist_group("watched")

# What differs from one answer to the next, whoever asks.
ITS_OWN = {"date", "x-request-id"}

PATHS = [
    *("/", "/nowhere", "/health/live", "/health/ready", "/schema", "/schema/swagger"),
    *("/schema/openapi.json", "/documentation/swagger-ui.css", "/documentation/nope"),
    "/api/v1/events",
    *(f"/api/v1/{name}" for name in ("players", "players/p", "players/nobody", "balances")),
    *(f"/api/v1/{name}" for name in ("rounds", "transactions", "games", "games/g%2Fh", "facets")),
    *(f"/api/v1/{name}" for name in ("activity", "conflicts", "status", "history")),
    *("/api/v1/players?limit=0", "/api/v1/players?at_least=2", "/api/v1/history?cursor=x"),
]


@pytest.fixture(scope="module")
def filled(watched: Service, writer: str) -> str:
    """A key of a tenant with two events, which are shown and sealed."""
    with watched.client(writer) as client:
        client.post(EVENTS, content=body(login("a"), deposit("b")))
        assert client.get("/api/v1/status", params={"at_least": 2}).status_code == 200
        assert client.get("/api/v1/players", params={"at_least": 2}).status_code == 200
        # What is sealed is told by headers: it must not grow from a HEAD to its GET.
        eventually(lambda: sealed_size(client) == 2)
    return writer


def headers_of(answer: httpx.Response) -> list[tuple[str, str]]:
    return sorted(each for each in answer.headers.items() if each[0] not in ITS_OWN)


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(path: str, watched: Service, filled: str) -> None:
    for key in (filled, ""):
        with Wire(watched.address) as wire:
            asked = {"x-api-key": key, "x-request-id": "the-same"}
            wire.request(f"GET {path}", asked)
            get = wire.answer("GET")
            wire.request(f"HEAD {path}", asked)
            head = wire.answer("HEAD")
            # What came behind a head would be taken for the next answer.
            wire.request("GET /health/live", {})
            assert wire.answer("GET").json() == {"status": "live"}
        assert head.status_code == get.status_code
        assert headers_of(head) == headers_of(get)
        assert int(head.headers["content-length"]) == len(get.content)


@pytest.mark.parametrize("name", ["players", "balances", "transactions", "facets"])
def test_head_of_a_table_tells_what_get_would(name: str, watched: Service, filled: str) -> None:
    asked = {"x-api-key": filled, "x-request-id": "the-same", "accept": "text/csv"}
    with Wire(watched.address) as wire:
        wire.request(f"GET /api/v1/{name}", asked)
        get = wire.answer("GET")
        wire.request(f"HEAD /api/v1/{name}", asked)
        head = wire.answer("HEAD")
        wire.request("GET /health/live", {})
        assert wire.answer("GET").json() == {"status": "live"}
    assert (get.status_code, head.status_code) == (200, 200)
    assert headers_of(head) == headers_of(get)
    assert head.headers["content-type"] == "text/csv; charset=utf-8"
    assert head.headers["content-disposition"] == f'attachment; filename="{name}-2.csv"'


def test_metrics_answer_head(watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.request("HEAD /metrics", {})
        head = wire.answer("HEAD")
        wire.request("GET /metrics", {})
        get = wire.answer("GET")
    assert head.status_code == 200
    assert head.headers.keys() == get.headers.keys()
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "text/event-stream"])
def test_head_of_a_stream_does_not_begin_it(media_type: str, watched: Service, filled: str) -> None:
    asked = {"x-api-key": filled, "accept": media_type}
    with Wire(watched.address) as wire:
        wire.request("HEAD /api/v1/history", asked)
        head = wire.answer("HEAD")
        # A listener's answer would go on, and this one wait behind it.
        wire.request("GET /health/live", {})
        assert wire.answer("GET").json() == {"status": "live"}
    with (
        watched.client(filled) as client,
        client.stream("GET", "/api/v1/history", headers=asked) as get,
    ):
        assert head.status_code == get.status_code == 200
        its_own = [("transfer-encoding", "chunked")]
        assert headers_of(head) == [each for each in headers_of(get) if each not in its_own]
    assert logged(watched, head)["method"] == "HEAD"


def test_head_of_a_stream_that_is_refused_is_refused_alike(watched: Service, filled: str) -> None:
    for last, status in (("x", 422), ("1000000", 409)):
        asked = {"x-api-key": filled, "accept": "text/event-stream", "last-event-id": last}
        with Wire(watched.address) as wire:
            wire.request("HEAD /api/v1/history", asked)
            assert wire.answer("HEAD").status_code == status


def test_where_get_is_not_head_is_not(watched: Service, filled: str) -> None:
    with watched.client(filled) as client:
        head = client.head(EVENTS)
        assert_problem(client.get(EVENTS), "method-not-allowed")
    assert head.status_code == 405
    assert head.headers["allow"] == "OPTIONS, POST"


@pytest.mark.parametrize(
    "path",
    [
        *("/health/live", "/health/ready", "/metrics", "/schema", "/schema/openapi.json"),
        *(
            "/documentation/swagger-ui.css",
            "/api/v1/players",
            "/api/v1/players/p",
            "/api/v1/history",
        ),
    ],
)
def test_head_is_among_what_is_allowed(path: str, watched: Service, filled: str) -> None:
    with watched.client(filled) as client:
        refused = client.delete(path)
        options = client.options(path)
    assert_problem(refused, "method-not-allowed")
    assert options.status_code == 204
    for answer in (refused, options):
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_what_is_allowed_for_events_is_as_it_was(watched: Service, filled: str) -> None:
    with watched.client(filled) as client:
        assert client.options(EVENTS).headers["allow"] == "OPTIONS, POST"
        assert client.put(EVENTS).headers["allow"] == "OPTIONS, POST"
