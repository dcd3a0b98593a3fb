"""Health and metrics on an address of their own, and nowhere else."""

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.process.listening import listen_for_operators
from tests.databases import Database
from tests.http.service import Service, eventually, on, roundbook, serving
from tests.http.wire import EVENTS, assert_problem

OPERATION = ("/health/live", "/health/ready", "/metrics")
SPELLINGS = ("/metrics/", "//metrics", "/./metrics", "/%6Detrics", "/health//live", "/health/live/")
API = ("/", "/docs", "/schema", "/schema/openapi.json", "/documentation/home.css", "/api/v1/status")


@pytest.fixture(scope="module")
def apart(served: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of two processes whose operators have a port of their own."""
    settings = on(served) | {"ROUNDBOOK_OPS_ADDRESS": "127.0.0.1:0"}
    with serving(tmp_path_factory.mktemp("apart"), "--workers", "2", settings=settings) as running:
        yield running


def test_health_and_metrics_are_there_alone(apart: Service) -> None:
    with apart.for_operators() as operators:
        for path in OPERATION:
            eventually(lambda: apart.answers(path))  # noqa: B023 (called at once)
            assert_problem(httpx.get(apart.url + path, timeout=60), "not-found")
        for path in API:
            assert_problem(operators.get(path), "not-found")
        assert_problem(operators.post(EVENTS, json={"items": []}), "not-found")
    assert httpx.get(apart.url, timeout=60).status_code == 200
    assert httpx.get(apart.url + "/schema/openapi.json", timeout=60).status_code == 200


@pytest.mark.parametrize("path", SPELLINGS)
def test_no_other_spelling_of_the_path_leads_there(apart: Service, path: str) -> None:
    answer = httpx.get(httpx.URL(apart.url, raw_path=path.encode()), timeout=60)
    assert_problem(answer, "not-found")


def test_the_metrics_are_those_of_all_processes(apart: Service) -> None:
    for _ in range(20):
        httpx.get(apart.url, timeout=60)

    def asked() -> float:
        with apart.for_operators() as operators:
            text = operators.get("/metrics").text
        line = next(
            line
            for line in text.splitlines()
            if line.startswith("roundbook_requests_total{") and 'path="/",status_code="200"' in line
        )
        return float(line.rpartition(" ")[2])

    # Counted a moment after the answer.
    eventually(lambda: asked() >= 20)


def test_a_unix_socket_outlasts_a_killed_service_and_is_gone_after_an_ended_one(
    fresh_database: Database, folder: Path, start: Callable[..., Service]
) -> None:
    path = folder / "ops.sock"
    settings = on(fresh_database) | {"ROUNDBOOK_OPS_ADDRESS": f"unix:{path}"}
    killed = start(settings=settings)
    family = killed.family()
    os.kill(killed.pid, signal.SIGKILL)
    killed.ended()
    eventually(lambda: not any(map(_lives, family[1:])))
    assert path.is_socket()
    service = start(settings=settings)
    assert service.answers("/health/live")
    assert_problem(httpx.get(service.url + "/metrics", timeout=60), "not-found")
    service.stop()
    assert not path.exists()


@pytest.mark.parametrize("umask", [0, 0o077])
def test_a_unix_socket_is_for_user_and_group_whatever_the_umask(folder: Path, umask: int) -> None:
    path = folder / "ops.sock"
    before = os.umask(umask)
    try:
        with (
            socket.socket() as beside,
            listen_for_operators(f"unix:{path}", beside=beside) as listener,
        ):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                listener.accept()[0].close()
    finally:
        os.umask(before)
    assert not path.exists()


def test_what_is_no_socket_is_left_alone(fresh_database: Database, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("of somebody else")
    refused = _serve(fresh_database, f"unix:{taken}")
    assert f"can't serve on unix:{taken}: Address already in use" in refused
    assert taken.read_text() == "of somebody else"


def test_the_socket_of_a_service_that_lives_is_not_taken_from_it(
    fresh_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "used"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert "Address already in use" in _serve(fresh_database, f"unix:{path}")
    assert path.is_socket()


def test_an_address_that_is_no_ones_here_is_named(fresh_database: Database) -> None:
    refused = _serve(fresh_database, "192.0.2.1:9090")
    assert "can't serve on 192.0.2.1:9090: Cannot assign requested address" in refused
    assert "--host" not in refused


def test_two_addresses_have_two_ports(fresh_database: Database) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.2", 0))
        port = free.getsockname()[1]
    refused = _serve(
        fresh_database, f"127.0.0.3:{port}", "--host", "127.0.0.2", "--port", str(port)
    )
    assert "the API has the same port" in refused


def _serve(database: Database, address: str, *arguments: str) -> str:
    """Serve with an address for operators that can't be; gives what is said."""
    settings = on(database) | {"ROUNDBOOK_OPS_ADDRESS": address}
    ended = roundbook("serve", *(arguments or ("--port", "0")), settings=settings, check=False)
    assert ended.returncode == 1
    return ended.stderr


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
