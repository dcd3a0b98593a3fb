"""One tenant's reads beside another's: what waits, what ends when its client leaves, what memory holds."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psycopg
import pytest

from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, Wire, body, counts, deposit, login
from tests.processes import resident_bytes

ACTIVITY = "GET /api/v1/activity"
NDJSON = {"accept": "application/x-ndjson"}
MIB = 1024 * 1024
ABUSE = 32


@contextmanager
def standing_still(database: Database) -> Iterator[psycopg.Connection[tuple[int]]]:
    """Let every query for activity wait in PostgreSQL until the block ends; gives who can look on."""
    with (
        psycopg.connect(database.owner_url) as holder,
        psycopg.connect(database.admin_url, autocommit=True) as watcher,
    ):
        holder.execute("lock table roundbook.activity in access exclusive mode")
        yield watcher


def stuck(watcher: psycopg.Connection[tuple[int]], database: Database) -> int:
    """How many sessions of a database wait for a lock."""
    name = psycopg.conninfo.conninfo_to_dict(database.service_url)["dbname"]
    found = watcher.execute(
        "select count(*) from pg_stat_activity where datname = %s and wait_event_type = 'Lock'",
        [name],
    ).fetchone()
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def shared(admin_url: str, template: Database) -> Iterator[Database]:
    """A database of the module's service."""
    with new_database(admin_url, template=template) as database:
        yield database


@pytest.fixture(scope="module")
def service(shared: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that soon gives up on who takes nothing, and in whose log there may be no fault."""
    settings = on(shared) | {
        "ROUNDBOOK_SEND_TIMEOUT_S": "5",
        "ROUNDBOOK_AT_LEAST_TIMEOUT_S": "3600",
    }
    with serving(tmp_path_factory.mktemp("service"), settings=settings) as running:
        yield running
        assert [line for line in running.log_lines() if line["level"] == "error"] == []


@pytest.fixture(scope="module")
def keys(service: Service) -> tuple[str, str]:
    """A key of a tenant that asks for much, and one of a tenant that asks for little."""
    for name in ("busy", "quiet"):
        service.new_tenant(name)
    busy, quiet = (service.new_key(name, "ingest", "read", "audit") for name in ("busy", "quiet"))
    for key in (busy, quiet):
        with service.client(key) as client:
            assert counts(client.post(EVENTS, content=body(deposit("d")))) == (1, 0, 0)
            shown = client.get("/api/v1/balances", params={"at_least": 1})
            assert len(shown.json()["items"]) == 1
    return busy, quiet


def statuses(service: Service, path: str) -> list[int]:
    """How the requests for a path ended, by the log."""
    lines = [
        json.loads(each) for each in service.log().splitlines(keepends=True) if each[-1] == "\n"
    ]
    return [each["status"] for each in lines if each.get("path") == path]


def test_a_tenant_whose_queries_stand_still_keeps_no_other_from_reading(
    service: Service, keys: tuple[str, str], shared: Database
) -> None:
    busy, quiet = keys
    with standing_still(shared) as watcher, ExitStack() as stack:
        wires = [stack.enter_context(Wire(service.address)) for _ in range(ABUSE)]
        for wire in wires:
            wire.request(ACTIVITY, {"x-api-key": busy})
        eventually(lambda: stuck(watcher, shared) == 3)
        with service.client(quiet) as client:
            for path in ("players", "balances", "history", "status"):
                assert client.get(f"/api/v1/{path}").status_code == 200
        assert stuck(watcher, shared) == 3
        for wire in wires:
            wire.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                wire.socket.recv(1)
            wire.socket.settimeout(60)
        # All leave: none stays in PostgreSQL.
        for wire in wires:
            wire.socket.close()
        eventually(lambda: statuses(service, "/api/v1/activity") == [499] * ABUSE)
        eventually(lambda: stuck(watcher, shared) == 0)
    with service.client(busy) as client:
        for _ in range(10):  # with whichever thread and connection
            assert client.get("/api/v1/activity").status_code == 200


def test_a_wait_for_a_position_ends_when_its_client_leaves(
    service: Service, keys: tuple[str, str]
) -> None:
    key = keys[0]
    with Wire(service.address) as wire:
        wire.request("GET /api/v1/balances?at_least=1000", {"x-api-key": key})
        eventually(lambda: in_progress(service, "/api/v1/balances") == 1)
    eventually(lambda: statuses(service, "/api/v1/balances")[-1] == 499)
    assert in_progress(service, "/api/v1/balances") == 0


def in_progress(service: Service, path: str) -> int:
    metrics = httpx.get(service.url + "/metrics", timeout=60).text
    return sum(
        int(float(line.rpartition(" ")[2]))
        for line in metrics.splitlines()
        if line.startswith("roundbook_requests_in_progress{") and f'path="{path}"' in line
    )


def slow_reader(service: Service, line: str, headers: dict[str, str]) -> Wire:
    """Ask, and never read the answer; what the kernel keeps for who doesn't read is little."""
    wire = Wire.__new__(Wire)
    wire.socket = socket.socket()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    wire.socket.settimeout(60)
    wire.socket.connect(service.address)
    wire.request(line, headers)
    return wire


LARGE_EVENTS = 48
LARGE_BYTES = 250_000


@pytest.fixture(scope="module")
def large(service: Service) -> tuple[str, str]:
    """Keys of two tenants with 12 MB of large events in their logs."""
    keys = []
    for name in ("stalled", "other"):
        service.new_tenant(name)
        keys.append(service.new_key(name, "ingest", "read", "audit"))
        with service.client(keys[-1]) as client:
            for start in range(0, LARGE_EVENTS, 16):
                numbers = range(start, start + 16)
                items = [login(str(each), note="x" * LARGE_BYTES) for each in numbers]
                assert counts(client.post(EVENTS, content=body(*items))) == (16, 0, 0)
    return keys[0], keys[1]


@pytest.mark.parametrize(
    ("query", "accept"),
    [("", "application/x-ndjson"), ("", "text/event-stream"), ("?limit=1000", "application/json")],
)
def test_who_reads_nothing_holds_little_memory_and_is_given_up(
    service: Service, large: tuple[str, str], query: str, accept: str
) -> None:
    stalled, other = large
    many = 40
    (worker,) = service.workers()
    with service.client(other) as client:  # what a first stream takes is there from then on
        assert client.get("/api/v1/history", headers=NDJSON).text.count("\n") == LARGE_EVENTS
        before = resident_bytes(worker)
        greatest = before
        headers = {"x-api-key": stalled, "accept": accept}
        wires = [slow_reader(service, f"GET /api/v1/history{query}", headers) for _ in range(many)]

        def all_ended() -> bool:
            nonlocal greatest
            greatest = max(greatest, resident_bytes(worker))
            return in_progress(service, "/api/v1/history") == 0

        eventually(lambda: in_progress(service, "/api/v1/history") > 0)
        # Meanwhile another tenant has all of its log, piece by piece.
        assert client.get("/api/v1/history", headers=NDJSON).text.count("\n") == LARGE_EVENTS
        eventually(all_ended, within_s=300)
        for wire in wires:
            wire.socket.close()
    assert greatest - before < 150 * MIB
    warnings = [each for each in service.log_lines() if each["level"] == "warning"]
    assert "a client takes nothing of its answer" in {each["event"] for each in warnings}


def test_who_reads_slowly_gets_all_of_it(service: Service, large: tuple[str, str]) -> None:
    headers = {"x-api-key": large[0], **NDJSON, "connection": "close"}
    with slow_reader(service, "GET /api/v1/history?to_position=4", headers) as wire:
        received = bytearray()
        while part := wire.socket.recv(20_000):
            received += part
            time.sleep(0.01)  # it is slow; nothing is waited for
    assert received.count(b'"position":') == 4
    assert received.endswith(b"0\r\n\r\n")
