"""What a service answers while it waits for its database, or brings it up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from postgres.connections import connect
from tests.databases import Database
from tests.faults.places import free_port
from tests.faults.silence import LossyNetwork
from tests.http.service import Running, eventually, on
from tests.http.wire import EVENTS, assert_problem, body, login

ANYTHING = [
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/players"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/nothing"),
    ("POST", EVENTS),
]


@contextmanager
def beginning(folder: Path, *arguments: str, settings: dict[str, str]) -> Iterator[Running]:
    """A `serve` that may never be ready; it is to end in good order all the same."""
    running = Running(folder, "serve", *arguments, settings=settings)
    try:
        yield running
    finally:
        running.stop()


def status_of(url: str) -> int:
    try:
        return httpx.get(url, timeout=60).status_code
    except httpx.TransportError:
        return 0


def assert_starting(url: str) -> None:
    """All answers of a service that starts; its health is told on this address."""
    with httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/health/live").json() == {"status": "live"}
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["status"] == "waiting"
        assert int(ready.headers["retry-after"]) >= 1
        for method, path in ANYTHING:
            answer = client.request(
                method, path, content=body(login("a")) if method == "POST" else b""
            )
            assert_problem(answer, "starting")
            assert int(answer.headers["retry-after"]) >= 1
        assert_problem(client.get("/console/api/v1/status"), "starting")
        page = client.get("/console")
        assert page.status_code == 503
        assert "looks again by itself" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none';")
        assert page.headers["cache-control"] == "no-store"


def test_while_its_database_is_away_it_lives_and_is_not_ready(tmp_path: Path) -> None:
    port, nowhere = free_port(), free_port()
    settings = {
        "ROUNDBOOK_DATABASE_URL": f"postgresql://someone:secret@127.0.0.1:{nowhere}/roundbook"
    }
    with beginning(tmp_path, "--port", port, settings=settings) as running:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: status_of(url + "/health/live") == 200)
        assert_starting(url)
        eventually(lambda: "waiting for the database" in running.log())
        assert_starting(url)


def test_where_operators_have_an_address_health_is_told_there_alone(tmp_path: Path) -> None:
    port, apart, nowhere = free_port(), free_port(), free_port()
    settings = {
        "ROUNDBOOK_DATABASE_URL": f"postgresql://someone:secret@127.0.0.1:{nowhere}/roundbook",
        "ROUNDBOOK_OPS_ADDRESS": f"127.0.0.1:{apart}",
    }
    with beginning(tmp_path, "--port", port, settings=settings):
        eventually(lambda: status_of(f"http://127.0.0.1:{apart}/health/live") == 200)
        assert_starting(f"http://127.0.0.1:{apart}")
        for path in ("/health/live", "/health/ready"):
            assert_problem(httpx.get(f"http://127.0.0.1:{port}{path}", timeout=60), "starting")


def test_while_its_database_is_migrated_and_while_nothing_answers_it_is_not_ready(
    fresh_database: Database, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        LossyNetwork(fresh_database.service_url) as network,
        connect(fresh_database.owner_url) as other,
        psycopg.connect(fresh_database.owner_url) as migrating,
    ):
        migrating.execute("lock table roundbook.migrations in access exclusive mode")
        settings = on(fresh_database) | {
            "ROUNDBOOK_DATABASE_URL": network.through(fresh_database.service_url)
        }
        with beginning(tmp_path, "--port", port, settings=settings) as running:
            waits = (
                "select count(*) from pg_locks l join pg_database d on d.oid = l.database"
                " where not l.granted and d.datname = current_database()"
            )
            eventually(lambda: other.execute(waits).fetchone() != (0,))
            assert_starting(url)
            migrating.rollback()
            eventually(lambda: status_of(url + "/health/ready") == 200)
            assert status_of(url + "/api/v1/players") == 403
            assert running.line().startswith("Roundbook serves on ")
