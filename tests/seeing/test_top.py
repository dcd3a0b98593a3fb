"""`roundbook top`: all tenants at a look, for people and for scripts."""

import os
import signal
import subprocess
import sys

import psycopg

from api.tenancy import create_tenant
from app.lives.closing import set_closed
from postgres.connections import connect
from tests.cli.conftest import Run
from tests.cli.terminal import terminal
from tests.databases import Database
from tests.http.service import Service, environment, eventually, on, roundbook
from tests.http.wire import EVENTS, assert_problem, body, login

_NOBODY = "http://127.0.0.1:9"
_END_SESSIONS = """
    select pg_terminate_backend(pid) from pg_stat_activity
     where datname = %s and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


def test_scripts_get_a_line_for_each_tenant(run: Run, service: Service, served: Database) -> None:
    for name in ("busy", "idle", "over"):
        service.new_tenant(name)
    with service.client(service.new_key("busy", "ingest")) as client:
        for number in range(3):
            assert client.post(EVENTS, content=body(login(f"a{number}"))).status_code == 204
    with connect(served.owner_url) as owner:
        set_closed(owner, "over", closed=True, reason="r", by="b")

    def lines() -> dict[str, list[str]]:
        listed = [line.split("\t") for line in run("top", "--once").splitlines()]
        return {name: told for name, *told in listed}

    eventually(lambda: lines()["busy"] == ["3", "0", "0.0", "0", ""])
    assert lines()["over"] == ["0", "0", "0.0", "0", "closed"]
    assert lines()["idle"] == ["0", "0", "0.0", "0", ""]


def test_who_may_operate_the_service_sees_the_same_over_http(run: Run, service: Service) -> None:
    for name in ("operators", "seen"):
        service.new_tenant(name)
    writer = service.new_key("seen", "ingest")
    key = run("key", "create", "operators", "--scope", "operate", "--label", "us").strip()
    with service.client(key) as operator, service.client(writer) as client:
        assert_problem(operator.post(EVENTS, content=body(login("a"))), "forbidden")
        assert_problem(operator.get("/api/v1/status"), "forbidden")
        assert_problem(client.get("/api/v1/system/tenants"), "forbidden")
        for number in range(3):
            assert client.post(EVENTS, content=body(login(f"a{number}"))).status_code == 204

        def shown() -> dict[str, list[object]]:
            found = operator.get("/api/v1/system/tenants", params={"limit": 1000}).json()["items"]
            return {
                each["name"]: [
                    str(each["log_position"]),
                    str(each["lag_events"]),
                    str(each["log_position"] - each["evidence"]["size"]),
                ]
                for each in found
            }

        eventually(lambda: shown()["seen"] == ["3", "0", "0"])
        listed = [line.split("\t") for line in run("top", "--once").splitlines()]
        assert {each[0]: [each[1], each[2], each[4]] for each in listed} == shown()
        keys = operator.get("/api/v1/system/tenants/operators/keys").json()["items"]
        [line] = run("key", "list", "operators").splitlines()
        [known] = keys
        assert line.split("\t")[::5] == [str(known["key_id"]), known["label"]]
        assert line.split("\t")[2:4] == [*known["scopes"], known["created_at"]]


def test_people_see_it_move_until_they_have_enough(service: Service, served: Database) -> None:
    service.new_tenant("watched")
    key = service.new_key("watched", "ingest")
    command = [sys.executable, "-m", "api.cli", "top", "--interval", "0.2", "--url", service.url]
    width = {"TERM": "xterm-256color", "COLUMNS": "200", "LINES": "50"}
    with terminal() as shown:
        process = subprocess.Popen(
            command, stdout=shown.descriptor, env=environment(on(served)) | width
        )
        try:
            eventually(lambda: "watched" in shown.text() and "the host: " in shown.text())
            with service.client(key) as client:
                for number in range(17):
                    client.post(EVENTS, content=body(login(f"w{number}"))).raise_for_status()
            eventually(lambda: " 17 " in shown.text())
        finally:
            process.send_signal(signal.SIGINT)
            status = process.wait(timeout=60)
    assert status == 0
    text = shown.text()
    for column in ("tenant", "events", "a second", "not shown", "not sealed", "state"):
        assert column in text
    assert "requests" in text
    assert "Error" not in text


def test_a_host_that_is_away_is_told(service: Service, served: Database) -> None:
    with terminal() as shown:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "top", "--url", _NOBODY],
            stdout=shown.descriptor,
            env=environment(on(served)) | {"TERM": "xterm-256color", "COLUMNS": "200"},
        )
        try:
            eventually(lambda: "the host does not answer" in shown.text())
        finally:
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(timeout=60) == 0


def test_without_a_terminal_it_says_so(served: Database) -> None:
    ended = roundbook("top", settings=on(served), check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--once" in ended.stderr


def test_a_database_that_is_away_for_a_while_is_waited_for(fresh_database: Database) -> None:
    with connect(fresh_database.owner_url) as owner:
        create_tenant(owner, "watched")
    with terminal() as shown:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "top", "--interval", "0.2", "--url", _NOBODY],
            stdout=shown.descriptor,
            env=environment(on(fresh_database)) | {"TERM": "xterm-256color", "COLUMNS": "200"},
        )
        try:
            eventually(lambda: "watched" in shown.text())
            with connect(fresh_database.owner_url) as owner:
                name = owner.info.dbname
            with psycopg.connect(fresh_database.admin_url, autocommit=True) as admin:
                admin.execute(_END_SESSIONS, [name])
            eventually(lambda: "waiting for the database: " in shown.text())
            eventually(lambda: "watched" in shown.text().rpartition("waiting for the database")[2])
        finally:
            process.send_signal(signal.SIGINT)
            status = process.wait(timeout=60)
    assert status == 0
