"""`roundbook rebuild`, beside a running service."""

import json
import re
import subprocess
import sys
from subprocess import CompletedProcess

import pytest

from api.tenancy import create_tenant
from app.tenants import find_tenant
from postgres.connections import connect, open_pool
from projections.engine.generations import sole_rebuild
from projections.models.registry import READ_MODELS, tables
from tests.cli.conftest import Run
from tests.cli.terminal import Terminal, terminal
from tests.databases import Database
from tests.http.service import Service, environment, eventually, on, roundbook
from tests.http.wire import EVENTS, body, deposit, new_key

TENANT = "rebuilt"
SENT = 800
SOUND = ("\tthe same", "\tnothing to compare")


@pytest.fixture(scope="module")
def key(served: Database, service: Service) -> str:
    """The key of a tenant whose log, and read models, hold deposits of one player."""
    with connect(served.service_url) as connection:
        create_tenant(connection, TENANT)
    made = new_key(served, TENANT, "ingest", "read")
    with service.client(made) as client:
        sent = body(*(deposit(f"{n}", player_id="p", amount=1) for n in range(SENT)))
        assert client.post(EVENTS, content=sent).is_success
        assert client.get(f"/api/v1/balances?at_least={SENT}").is_success
    return made


def deposited(service: Service, key: str) -> str:
    with service.client(key) as client:
        [balance] = client.get("/api/v1/balances?player_id=p").json()["items"]
    amount: str = balance["deposited"]
    return amount


def rebuild(served: Database, *arguments: str) -> CompletedProcess[str]:
    return roundbook("rebuild", TENANT, *arguments, settings=on(served), check=False)


def rebuild_on(shown: Terminal, served: Database, **variables: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "api.cli", "rebuild", TENANT],
        check=False,
        stdout=subprocess.PIPE,
        stderr=shown.descriptor,
        env=environment(on(served) | {"ROUNDBOOK_CHUNK_EVENTS": "1"} | variables),
    )
    assert ended.returncode == 0, shown.text()


def falsify(served: Database) -> None:
    with connect(served.owner_url) as owner:
        tenant_id = find_tenant(owner, TENANT).tenant_id
        owner.execute("update balances set deposited = 7 where tenant_id = %s", [tenant_id])


def test_a_rebuild_says_what_it_compared(served: Database, service: Service, key: str) -> None:
    ended = rebuild(served)
    assert ended.returncode == 0, ended.stderr
    assert "rebuilding rebuilt" in ended.stderr
    lines = [line.split("\t") for line in ended.stdout.splitlines()]
    held = {"balances": 1, "balance_periods": 2, "transactions": SENT, "players": 1}
    assert lines == [
        *(
            [table, f"{rows} rows", "the same" if rows else "nothing to compare"]
            for table, rows in [(table, held.get(table, 0)) for table in tables()]
        ),
        [f"compared up to position {SENT}"],
    ]
    assert deposited(service, key) == f"{SENT}"


def test_only_what_is_named_is_compared(served: Database, service: Service, key: str) -> None:
    ended = rebuild(served, "--check", "players", "balances")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == (
        "players\t1 rows\tthe same\nbalances\t1 rows\tthe same\nbalance_periods\t2 rows\tthe same\n"
        f"compared up to position {SENT}\n"
    )


def test_a_check_reports_what_is_false_and_a_rebuild_mends_it(
    served: Database, service: Service, key: str
) -> None:
    falsify(served)
    assert deposited(service, key) == "7"
    shown = f'\tplayer_id "p", currency "EUR": deposited 7 instead of {SENT}'
    for arguments, outcome in ((["--check"], "left as it is"), ([], "the log's word stands now")):
        assert deposited(service, key) == "7"
        ended = rebuild(served, *arguments)
        assert ended.returncode == 1
        lines = ended.stdout.splitlines()
        found = lines.index("balances\t1 rows\t1 different")
        assert lines[found + 1] == shown
        assert [line for line in lines[:found] if not line.endswith(SOUND)] == []
        last = ended.stderr.splitlines()[-1]
        assert last.startswith("Error: 1 row was not what the log says; " + outcome)
        assert "Traceback" not in ended.stderr
    assert deposited(service, key) == f"{SENT}"
    assert rebuild(served, "--check").returncode == 0


def test_the_service_rebuilds_what_an_older_version_built(
    served: Database, service: Service, key: str
) -> None:
    with connect(served.owner_url) as owner:
        tenant_id = find_tenant(owner, TENANT).tenant_id
        owner.execute(
            "update tracking set versions = versions || '{\"balances\": 0}' where tenant_id = %s",
            [tenant_id],
        )
    said = "the read models are rebuilt"
    eventually(lambda: said in service.log())
    events = [
        line
        for line in service.log_lines()
        if line.get("tenant_id") == tenant_id and "rebuilt" in line["event"]
    ]
    assert events[0]["event"] == "the read models are of another version and are rebuilt"
    assert events[0]["versions"]["balances"] == 0
    assert events[-1]["event"] == said
    assert deposited(service, key) == f"{SENT}"
    assert rebuild(served, "--check").returncode == 0


def test_a_second_rebuild_at_once_is_told_so(
    refused: Run, served: Database, service: Service, key: str
) -> None:
    with open_pool(served.service_url, max_size=1) as pool:
        with pool.connection() as connection:
            tenant_id = find_tenant(connection, TENANT).tenant_id
        with sole_rebuild(pool, tenant_id):
            said = refused("rebuild", TENANT)
    assert "Another process is rebuilding the read models of this tenant" in said
    assert rebuild(served).returncode == 0


def test_an_unknown_tenant_is_told(refused: Run) -> None:
    assert "no tenant 'nobody'" in refused("rebuild", "nobody")


def test_on_a_terminal_there_is_a_bar_with_the_share_the_rate_and_the_time_left(
    served: Database, service: Service, key: str
) -> None:
    with terminal() as shown:
        rebuild_on(shown, served, TERM="xterm")
    text = shown.text()
    assert "100%" in text
    assert re.search(r"[1-9][\d,]* events/s", text)
    assert re.search(r"\d\d:\d\d:\d\d", text)
    assert "comparing" in text


def test_a_terminal_that_takes_no_commands_gets_none(
    served: Database, service: Service, key: str
) -> None:
    with terminal() as shown:
        rebuild_on(shown, served, TERM="dumb")
    assert shown.text() == f"rebuilding {TENANT}\n"


def test_poison_is_told_with_its_position_and_status_tells_of_it_too(
    refused: Run, served: Database, service: Service, run: Run
) -> None:
    run("tenant", "create", "poisoned")
    with connect(served.service_url) as connection:
        tenant_id = find_tenant(connection, "poisoned").tenant_id
        connection.execute(
            "insert into events values (1, now(), now(), %s, 1, '\\x00', 'player:p', 'Future', '{}')",
            [tenant_id],
        )
        connection.execute(
            "update tracking set position = 1, failed_position = null where tenant_id = %s",
            [tenant_id],
        )
    said = refused("rebuild", "poisoned")
    assert "the event at position 1 can't be projected: UnknownTopicError" in said
    with service.client(new_key(served, "poisoned", "read")) as client:
        status = client.get("/api/v1/status").json()
    assert [each["name"] for each in status["projections"]] == list(READ_MODELS)
    assert status["rebuild"]["position"] == 0
    assert status["rebuild"]["failure"]["position"] == 1
    assert json.dumps(status["rebuild"]["failure"]["reason"])
