"""What operators see: the log, health and metrics."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.databases import Database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, deposit, login

# A line of Prometheus' text format: a name, maybe labels, a number.
_SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+|#.*')


@pytest.fixture(scope="module")
def two_workers(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of two processes."""
    folder = tmp_path_factory.mktemp("two-workers")
    with serving(folder, "--workers", "2", settings=on(served)) as running:
        yield running


def lines_of(service: Service, request_id: str) -> list[dict[str, Any]]:
    """The log's lines about a request, once there are any."""

    def found() -> list[dict[str, Any]]:
        log = service.log()
        complete = log[: log.rfind("\n") + 1].splitlines()
        return [line for line in map(json.loads, complete) if line.get("request_id") == request_id]

    eventually(lambda: found() != [])
    return found()


# The log


def test_a_request_is_one_line_of_json_with_its_id_and_its_tenant(
    service: Service, client: httpx.Client, tenant_name: str
) -> None:
    answer = client.post(EVENTS, content=body(login("a"), login("a"), deposit("a")))
    [line] = lines_of(service, answer.headers["x-request-id"])
    assert isinstance(line.pop("duration_ms"), float)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {
        "event": "request",
        "level": "info",
        "method": "POST",
        "path": EVENTS,
        "status": 204,
        "tenant": tenant_name,
        "request_id": answer.headers["x-request-id"],
        "stored": 1,
        "duplicate": 1,
        "conflict": 1,
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nope", 404), ("GET", EVENTS, 405), ("GET", "/health/live", 200)],
)
def test_a_request_of_nobody_is_one_line_without_a_tenant(
    service: Service, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, service.url + path, timeout=60)
    [line] = lines_of(service, answer.headers["x-request-id"])
    assert (line["method"], line["path"], line["status"]) == (method, path, status)
    assert "tenant" not in line


def test_the_clients_own_request_id_is_in_the_answer_the_problem_and_the_log(
    service: Service, client: httpx.Client, tenant_name: str
) -> None:
    request_id = f"client:{tenant_name}.1"
    answer = client.post(EVENTS, content=b"{", headers={"x-request-id": request_id})
    assert assert_problem(answer, "malformed-body")["request_id"] == request_id
    assert answer.headers["x-request-id"] == request_id
    [line] = lines_of(service, request_id)
    assert (line["status"], line["tenant"]) == (400, tenant_name)


def test_every_request_has_an_id_of_its_own(client: httpx.Client) -> None:
    answers = [client.get("/health/live") for _ in range(20)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 20


def test_a_client_that_goes_away_is_no_fault_of_the_service(
    service: Service, key: str, tenant_name: str
) -> None:
    request_id = f"gone-{tenant_name}"
    headers = {"x-api-key": key, "content-type": "application/json", "x-request-id": request_id}
    with Wire(service.address) as wire:
        wire.request(
            f"POST {EVENTS}", headers | {"content-length": "100", "expect": "100-continue"}
        )
        assert wire.continues()
        wire.send(b'{"items":[')
    [line] = lines_of(service, request_id)
    assert (line["level"], line["status"]) == ("info", 400)


def test_a_client_that_does_not_wait_for_the_answer_is_no_fault_of_the_service(
    service: Service, client: httpx.Client, key: str, tenant_name: str
) -> None:
    request_id = f"impatient-{tenant_name}"
    sent = body(*(login(str(n)) for n in range(10_000)))
    headers = {"x-api-key": key, "content-type": "application/json", "x-request-id": request_id}
    with Wire(service.address) as wire:
        wire.request(f"POST {EVENTS}", headers | {"content-length": str(len(sent))})
        wire.send(sent)
    [line] = lines_of(service, request_id)
    assert (line["level"], line["status"]) == ("info", 204)
    assert counts(client.post(EVENTS, content=sent)) == (0, 10_000, 0)


def test_neither_the_log_nor_the_output_ever_holds_a_key(
    fresh_database: Database, start: Callable[..., Service], key: str
) -> None:
    with_key = {"x-api-key": key, "content-type": "application/json", "authorization": key}
    service = start("--workers", "2", settings=on(fresh_database))
    for content in (body(login("a")), b"{", body(login(""))):
        url = f"{service.url}{EVENTS}?x-api-key={key}"
        assert httpx.post(url, content=content, headers=with_key, timeout=60).status_code == 403
        httpx.get(f"{service.url}/api/v1/balances?key={key}", headers=with_key, timeout=60)
        httpx.get(f"{service.url}/nope?key={key}", headers=with_key, timeout=60)
    with Wire(service.address) as wire:
        wire.request(f"BREW {EVENTS}", with_key)
        assert wire.answer().status_code == 400
    service.stop()
    assert EVENTS in service.log()
    assert key not in service.log() + service.first_line
    assert "for-tests-only" not in service.log()  # nor the database's password


# Health


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_told_to_everyone(service: Service, path: str) -> None:
    answer = httpx.get(service.url + path, timeout=60)
    assert answer.status_code == 200
    # What waits in logs that other tests left is told beside it.
    assert answer.json()["status"] == path.removeprefix("/health/")


# Metrics


def ingested(service: Service) -> dict[str, float]:
    """The counters of items by outcome, over all processes; each name once."""
    found = {}
    for line in httpx.get(service.url + "/metrics", timeout=60).text.splitlines():
        assert _SAMPLE.fullmatch(line), line
        if line.startswith("roundbook_ingested_items_total{"):
            outcome = line.partition('outcome="')[2].partition('"')[0]
            assert outcome not in found
            found[outcome] = float(line.split()[-1])
    return found


def test_metrics_count_items_over_all_processes(two_workers: Service, key: str) -> None:
    before = ingested(two_workers)
    for number in range(20):  # a connection each, so that both processes take some
        with two_workers.client(key) as client:
            sent = body(login(f"{number}"), login(f"{number}"), deposit(f"{number}"))
            assert counts(client.post(EVENTS, content=sent)) == (1, 1, 1)
    for _ in range(5):  # whichever process is asked
        after = ingested(two_workers)
        for outcome in ("stored", "duplicate", "conflict"):
            assert after[outcome] - before.get(outcome, 0) == 20


def test_metrics_tell_of_requests_projections_and_nothing_but_the_service(
    service: Service, client: httpx.Client
) -> None:
    client.post(EVENTS, content=body(login("a")))
    names = set()

    def has_all() -> bool:
        nonlocal names
        text = httpx.get(service.url + "/metrics", timeout=60).text
        names = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line[0] != "#"}
        return names >= {
            "roundbook_requests_total",
            "roundbook_request_duration_seconds_count",
            "roundbook_ingested_items_total",
            "roundbook_projected_events_total",
            "roundbook_projection_lag_seconds_count",
            "roundbook_projection_waiting_seconds",
        }

    eventually(has_all)
    assert all(name.startswith("roundbook_") for name in names)


def test_metrics_do_not_grow_with_the_paths_that_clients_make_up(
    service: Service, client: httpx.Client
) -> None:
    for number in range(3):
        client.get(f"/made-up/{number}")
        client.get(f"/api/v1/players/made-up-{number}")
        client.get(f"/documentation/made-up-{number}")
        client.get(f"/health/made-up-{number}")
    assert "made-up" not in httpx.get(service.url + "/metrics", timeout=60).text


def test_metrics_survive_the_death_of_a_worker(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    service = start(settings=on(fresh_database))
    [worker] = service.workers()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: service.workers() not in ([], [worker]))
    eventually(lambda: service.answers("/metrics"))
    assert "roundbook_requests_total" in httpx.get(service.url + "/metrics", timeout=60).text
