"""The process itself: how it starts, ends, and survives the death of its parts."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from postgres.embedded import EmbeddedServer
from tests.databases import Database
from tests.embedded.processes import accepts, postmaster
from tests.http.service import (
    Running,
    Service,
    environment,
    eventually,
    in_folder,
    on,
    roundbook,
    serving,
)
from tests.http.wire import EVENTS, Wire, body, counts, login, recorded
from tests.processes import command_of, descendants, runs

BIG = body(*(login(str(n), note="x" * 200) for n in range(10_000)))

Start = Callable[..., Service]


def begin(wire: Wire, key: str, length: int) -> None:
    """Begin a request, until the service waits for its body."""
    headers = {"x-api-key": key, "content-type": "application/json", "expect": "100-continue"}
    wire.request(f"POST {EVENTS}", headers | {"content-length": str(length)})
    assert wire.continues()


@pytest.fixture
def end(request: pytest.FixtureRequest) -> Callable[[Service], None]:
    """A way to ask for the end."""
    ways: dict[str, Callable[[Service], None]] = {
        "SIGTERM": lambda service: service.signal(signal.SIGTERM),
        "SIGINT": lambda service: service.signal(signal.SIGINT),
        "Ctrl-C": lambda service: os.killpg(service.pid, signal.SIGINT),
    }
    return ways[request.param]


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "Ctrl-C"], indirect=True)
def test_a_batch_on_its_way_is_taken_before_the_service_ends(
    own: Service, fresh_database: Database, end: Callable[[Service], None]
) -> None:
    key = own.new_key("acme")
    with Wire(own.address) as idle, Wire(own.address) as busy:
        idle.request("GET /health/live", {})
        assert idle.answer("GET").status_code == 200
        begin(busy, key, len(BIG))
        busy.send(BIG[: len(BIG) // 2])
        end(own)
        assert idle.closed()  # so the end has begun
        busy.send(BIG[len(BIG) // 2 :])
        assert counts(busy.answer()) == (10_000, 0, 0)
    assert own.ended() == (0, "")
    assert recorded(fresh_database.service_url) == 10_000


def test_a_batch_that_is_being_recorded_is_finished_and_the_embedded_database_ends_last(
    embedded: Service, folder: Path
) -> None:
    key = embedded.new_key("acme")
    server = postmaster(folder / "data")
    family = embedded.family()
    assert server in family
    with Wire(embedded.address) as wire:
        begin(wire, key, len(BIG))
        wire.send(BIG)
        embedded.signal(signal.SIGTERM)
        assert counts(wire.answer()) == (10_000, 0, 0)
    assert embedded.ended() == (0, "")
    assert not [pid for pid in family if runs(pid)]
    with EmbeddedServer(folder / "data") as again:
        assert recorded(again.service_url) == 10_000


def test_a_service_that_was_asked_twice_to_end_still_ends_well(own: Service) -> None:
    own.signal(signal.SIGTERM)
    own.signal(signal.SIGTERM)
    own.signal(signal.SIGINT)
    assert own.ended() == (0, "")


def test_a_killed_service_leaves_no_process_behind(own: Service) -> None:
    family = own.family()
    assert len(family) == 4
    own.signal(signal.SIGKILL)
    assert own.ended()[0] == -signal.SIGKILL
    eventually(lambda: not any(map(runs, family)))


def test_a_killed_service_takes_its_embedded_database_along_and_loses_nothing(
    embedded: Service, folder: Path, start: Start
) -> None:
    key = embedded.new_key("acme")
    with embedded.client(key) as client:
        assert counts(client.post(EVENTS, content=BIG)) == (10_000, 0, 0)
        family = embedded.family()
        embedded.signal(signal.SIGKILL)
    assert embedded.ended()[0] == -signal.SIGKILL
    eventually(lambda: not any(map(runs, family)))
    again = start(settings=in_folder(folder / "data"))
    with again.client(key) as client:
        assert counts(client.post(EVENTS, content=BIG)) == (0, 10_000, 0)


def test_a_killed_worker_is_started_again(own: Service) -> None:
    [worker] = own.workers()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: own.workers() not in ([], [worker]))
    eventually(lambda: own.answers("/health/ready"))
    assert own.process.poll() is None
    assert any(line.get("status") == -signal.SIGKILL for line in own.log_lines())


def test_a_killed_projector_is_started_again_and_catches_up(
    own: Service, fresh_database: Database
) -> None:
    [projector] = [pid for pid in descendants(own.pid) if "project" in command_of(pid)]
    os.kill(projector, signal.SIGKILL)
    with own.client(own.new_key("acme")) as client:
        client.post(EVENTS, content=BIG)

    def caught_up() -> bool:
        with connect(fresh_database.service_url) as connection:
            row = connection.execute("select position from tracking where live").fetchone()
        return row == (10_000,)

    eventually(caught_up)


def test_a_batch_of_a_worker_that_was_killed_can_be_sent_again(
    own: Service, fresh_database: Database
) -> None:
    key = own.new_key("acme")
    [worker] = own.workers()
    with own.client(key) as client:
        killer = threading.Timer(0.15, os.kill, [worker, signal.SIGKILL])
        killer.start()
        taken = 0
        for number in range(200):
            sent = body(*(login(f"{number}-{n}") for n in range(50)))
            stored = 0
            while True:
                try:
                    answer = client.post(EVENTS, content=sent)
                except httpx.TransportError:
                    continue  # killed meanwhile: was it recorded?
                stored, duplicate, _ = counts(answer)
                assert sorted([stored, duplicate]) == [0, 50]
                break
            taken += 50
        killer.join()
    assert own.workers() != [worker]
    assert recorded(fresh_database.service_url) == taken


def test_a_second_service_on_a_port_in_use_ends_with_a_clear_message(
    own: Service, fresh_database: Database
) -> None:
    port = str(own.address[1])
    second = roundbook("serve", "--port", port, settings=on(fresh_database), check=False)
    assert second.returncode == 1
    assert second.stdout == ""
    assert f"127.0.0.1:{port}" in second.stderr
    assert "in use; name another port with --port" in second.stderr
    assert own.answers("/health/live")


def test_an_address_of_another_host_can_not_be_served_on(fresh_database: Database) -> None:
    elsewhere = ["--host", "192.0.2.1", "--port", "8000"]
    ended = roundbook("serve", *elsewhere, settings=on(fresh_database), check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "192.0.2.1:8000" in ended.stderr


def test_two_services_share_one_embedded_database_and_the_second_outlives_the_first(
    embedded: Service, start: Start, folder: Path
) -> None:
    second = start(settings=in_folder(folder / "data"))
    with second.client(second.new_key("acme")) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        embedded.stop()
        eventually(lambda: second.answers("/health/ready"))
        assert counts(client.post(EVENTS, content=body(login("a"), login("b")))) == (1, 1, 0)


@pytest.fixture
def absent(folder: Path) -> EmbeddedServer:
    """A database that is made, but not running."""
    with EmbeddedServer(folder / "data") as server:
        pass
    return server


@pytest.fixture
def waiting(absent: EmbeddedServer, tmp_path: Path) -> Iterator[Running]:
    """A service that waits for it."""
    settings = {
        "ROUNDBOOK_DATABASE_URL": absent.service_url,
        "ROUNDBOOK_OWNER_URL": absent.owner_url,
    }
    running = Running(tmp_path, "serve", "--port", "0", settings=settings)
    eventually(lambda: "waiting for the database" in running.log())
    yield running
    running.stop()


def test_a_service_waits_for_its_database_and_migrates_it(
    absent: EmbeddedServer, waiting: Running
) -> None:
    with absent:
        assert waiting.line().startswith("Roundbook serves on ")
        assert recorded(absent.service_url) == 0
        waiting.stop()


def test_a_service_that_waits_for_its_database_ends_well(waiting: Running) -> None:
    waiting.signal(signal.SIGTERM)
    assert waiting.ended() == (0, "")


def test_a_folder_with_modules_of_the_same_names_is_not_imported_from(
    fresh_database: Database, tmp_path: Path
) -> None:
    for name in ("domain", "postgres", "app", "projections", "api"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is another project')")
    with serving(tmp_path, settings=on(fresh_database)) as service:
        service.new_tenant("t")
        with service.client(service.new_key("t", "ingest", "read")) as client:
            sent = client.post(EVENTS, content=body(login("l-1")))
            assert sent.status_code == 204, sent.text
            at_least = {"at_least": sent.headers["Log-Position"]}
            assert client.get("/api/v1/players/p", params=at_least).json()["logins"] == 1


def test_the_log_of_a_service_that_begins_with_nothing_is_json(embedded: Service) -> None:
    embedded.stop()
    assert embedded.log_lines()


def test_a_setting_that_is_none_is_named_in_the_log(fresh_database: Database, start: Start) -> None:
    service = start("--workers", "2", settings=on(fresh_database) | {"ROUNDBOOK_POOLSIZE": "5"})
    service.stop()
    [line] = [line for line in service.log_lines() if "ROUNDBOOK_POOLSIZE" in str(line)]
    assert line["event"].startswith("ROUNDBOOK_POOLSIZE: no such setting: ignored")


def test_the_demonstration_shows_its_key_once_and_its_first_step_works(
    fresh_database: Database, start: Start
) -> None:
    first = start("--demo", settings=on(fresh_database))
    said = ""
    while "and ask for the balance" not in said:
        said += first.line()
    [command] = [line.strip() for line in said.splitlines() if line.startswith("  curl -i")]
    shown = subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout
    assert shown.startswith("HTTP/1.1 204 ")
    assert "events-stored: 1" in shown
    first.stop()
    key = command.partition("x-api-key: ")[2].partition("'")[0]
    assert key.startswith("rb_")
    assert key not in first.log()
    [vkey] = [line.strip() for line in said.splitlines() if line.startswith("  roundbook.invalid/")]
    listed = roundbook("evidence", "keys", "demo", settings=on(fresh_database)).stdout
    assert listed == f"{vkey}\t0\t\t\n"
    log_id = vkey.partition("+")[0].rpartition("/")[2]
    assert (Path(on(fresh_database)["ROUNDBOOK_SIGNING_KEYS"]) / f"{log_id}.key").exists()

    second = start("--demo", settings=on(fresh_database))
    said = ""
    while "key create demo" not in said:
        said += second.line()
    assert key not in said
    assert "with the same ROUNDBOOK_DATABASE_URL" in said
    command = said.splitlines()[-1].strip()
    made = pasted(command, settings=on(fresh_database))
    for each in (key, made.strip()):
        with second.client(each) as client:
            assert client.post(EVENTS, content=body(login("a"))).status_code == 204
            assert client.get("/api/v1/balances?at_least=2").status_code == 200
            assert client.get("/api/v1/history").status_code == 200


def test_a_log_that_is_older_than_evidence_is_sealed_by_the_first_service_and_no_other_by_itself(
    fresh_database: Database, start: Start, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    settings = on(fresh_database) | {"ROUNDBOOK_SIGNING_KEYS": str(keys)}

    def evidence(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return roundbook("evidence", *arguments, settings=settings, check=check)

    with connect(fresh_database.service_url) as connection:
        create_tenant(connection, "older")
    service = start(settings=settings)
    eventually(lambda: any(keys.glob("*.key")))
    with connect(fresh_database.service_url) as connection:
        create_tenant(connection, "keyless")
    clients = [
        service.client(service.new_key(name, "ingest", "read")) for name in ("older", "keyless")
    ]
    with clients[0] as older, clients[1] as keyless:

        def status(client: httpx.Client) -> Any:
            return client.get("/api/v1/status").json()["evidence"]

        for client in (older, keyless):
            assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        eventually(lambda: status(older)["size"] == 1)
        eventually(lambda: status(keyless)["failure"] is not None)
        assert "`roundbook evidence add-key`" in status(keyless)["failure"]["reason"]
        assert evidence("keys", "keyless").stdout == ""
        made = evidence("add-key", "keyless").stdout.strip()
        assert evidence("keys", "keyless").stdout == f"{made}\t0\t\t\n"
        eventually(lambda: status(keyless)["size"] == 1)
        assert status(keyless)["failure"] is None
        again = evidence("add-key", "keyless", check=False)
        assert again.returncode == 1
        assert "rotate-key" in again.stderr


@pytest.mark.parametrize("named", [True, False])
def test_the_demonstration_says_how_to_make_another_key_of_the_embedded_database(
    folder: Path, start: Start, named: bool
) -> None:
    data_dir = folder / ("a folder" if named else ".roundbook")
    settings = in_folder(data_dir) if named else {}
    start("--demo", settings=settings).stop()
    second = start("--demo", settings=settings)
    said = ""
    while "key create demo" not in said:
        said += second.line()
    with second.client(pasted(said.splitlines()[-1], cwd=folder).strip()) as client:
        assert client.post(EVENTS, content=body(login("a"))).status_code == 204


def pasted(command: str, *, settings: dict[str, str] | None = None, **options: Any) -> str:
    """Run what a user would paste into a shell."""
    shown: str = subprocess.run(
        command,
        shell=True,
        check=True,
        capture_output=True,
        text=True,
        env=environment(settings or {}),
        **options,
    ).stdout
    return shown


def can_change(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            connection.execute("update roundbook.events set topic = topic")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_the_credential_that_serves_can_not_change_the_log(
    own: Service, fresh_database: Database
) -> None:
    assert accepts(fresh_database.service_url)
    assert not can_change(fresh_database.service_url)
    assert not can_change(fresh_database.owner_url)
