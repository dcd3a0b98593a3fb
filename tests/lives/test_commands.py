"""How tenants end, beside a running service: closed, exported, removed."""

import json
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import httpx
import pytest

from app.log.leaves import current_log
from app.tenants import find_tenant
from domain.evidence.notes import parse_verifier_key
from postgres.connections import connect
from tests.databases import Database
from tests.evidence.auditor import judged
from tests.evidence.conftest import sealed_size
from tests.http.service import Service, eventually, on, roundbook
from tests.http.wire import EVENTS, assert_problem, body, counts, deposit, login
from tests.lives.conftest import SCOPES, Run

WHY = ("--reason", "the contract ended", "--by", "an officer")
SENT = [login("a"), deposit("b"), login("c", player_id="q"), deposit("d", currency="DOGE")]
REMOVING = ("tenant", "remove", "ending", *WHY, "--confirm", "ending")


class Ending(NamedTuple):
    """A tenant `ending`: its id, its log's in hexadecimal digits, and a key."""

    tenant_id: int
    log_id: str
    key: str


def lines(opened: ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in opened.read(name).splitlines()]


def rows_of(database: Database, tenant_id: int) -> dict[str, int]:
    """How many rows of a tenant each table has that is of tenants; without those that have none."""
    with connect(database.owner_url) as owner:
        tables = owner.execute(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relnamespace = 'roundbook'::regnamespace and c.relkind = 'r'"
            "   and a.attname = 'tenant_id'"
        ).fetchall()
        assert len(tables) > 30
        found = {
            name: owner.execute(
                f"select count(*) from roundbook.{name} where tenant_id = %s", [tenant_id]
            ).fetchall()[0][0]
            for (name,) in tables
        }
    return {name: rows for name, rows in found.items() if rows}


@pytest.fixture(scope="module")
def ending(served: Database, service: Service, run: Run) -> Ending:
    """A tenant with events, a conflict and an access."""
    run("tenant", "create", "ending", "--currency", "DOGE")
    key = run("key", "create", "ending", "--label", "its own", *SCOPES).strip()
    run("tenant", "limit", "ending", "--items-per-second", "100000")
    with service.client(key) as client:
        assert counts(client.post(EVENTS, content=body(*SENT))) == (4, 0, 0)
        assert counts(client.post(EVENTS, content=body(login("a", player_id="z")))) == (0, 0, 1)
        assert client.get("/api/v1/players?at_least=4").is_success
        eventually(lambda: sealed_size(client) == 4)
    with connect(served.service_url) as connection:
        found = find_tenant(connection, "ending")
        log = current_log(connection, found.tenant_id)
    assert log is not None
    return Ending(found.tenant_id, log.log_id.hex(), key)


def test_a_tenant_ends(
    served: Database, service: Service, ending: Ending, run: Run, refused: Run, tmp_path: Path
) -> None:
    assert "close it first" in refused(*REMOVING)
    with service.client(ending.key) as client:
        closed_and_opened(client, run)
    file = tmp_path / "ending.zip"
    assert run("tenant", "export", "ending", str(file)) == "6\t6\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "is there already" in refused("tenant", "export", "ending", str(file))
    exported(file, tmp_path, ending.key)

    not_removed(served, run, refused)
    with service.client(ending.key) as client:
        assert client.get("/api/v1/status").is_success
    removed(served, service, ending, run, refused)
    assert [line for line in service.log_lines() if line["level"] == "error"] == []


def closed_and_opened(client: httpx.Client, run: Run) -> None:
    # Closed at once, for a process too that has the key from before.
    run("tenant", "close", "ending", *WHY)
    refusal = assert_problem(client.post(EVENTS, content=body(login("e"))), "tenant-closed")
    assert "ending is closed" in refusal["detail"]
    assert_problem(client.post(EVENTS, content=body(login("c", x=1))), "tenant-closed")
    for path in ("players/p", "balances?player_id=p", "history", "status"):
        answer = client.get(f"/api/v1/{path}")
        assert (answer.is_success, answer.headers["log-position"]) == (True, "4")
    assert run("tenant", "list").splitlines()[-1].split("\t")[3] != ""
    assert run("tenant", "close", "ending", *WHY) == ""  # nothing is changed

    # Who has a right to be erased has it still.
    erased = run("erase", "ending", "q", "--reason", "asked for")
    assert erased.startswith("record\t5\nevents\t1\n")

    # Back, and closed again.
    run("tenant", "reopen", "ending", *WHY)
    assert run("tenant", "list").splitlines()[-1].split("\t")[3] == ""
    eventually(lambda: client.post(EVENTS, content=body(login("e"))).status_code == 204)
    run("tenant", "close", "ending", *WHY)
    eventually(lambda: sealed_size(client) == 6)


def not_removed(served: Database, run: Run, refused: Run) -> None:
    run("hold", "ending", "p", "--reason", "a dispute")
    assert "players on hold, 1 of them" in refused(*REMOVING)
    run("hold", "ending", "p", "--reason", "settled", "--release")
    ended = roundbook(
        "tenant", "remove", "ending", *WHY, settings=on(served), input="other\n", check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "'other' is not 'ending'; nothing was removed" in ended.stderr


def removed(served: Database, service: Service, ending: Ending, run: Run, refused: Run) -> None:
    tenant_id, log_id, key = ending
    keys = Path(on(served)["ROUNDBOOK_SIGNING_KEYS"])
    signed = {file.name: file.read_bytes() for file in keys.glob(f"{log_id}.*.last")}
    signed |= {file.name: file.read_bytes() for file in keys.glob(f"{log_id}.last")}
    assert len(signed) == 3
    assert list(keys.glob(f"{log_id}*.key"))
    last_key = run("key", "list", "ending").splitlines()[-1].split("\t")[0]
    run("tenant", "create", "staying")
    staying = run("key", "create", "staying", *SCOPES).strip()
    with service.client(staying) as client:
        client.post(EVENTS, content=body(*SENT[:3])).raise_for_status()
        eventually(lambda: sealed_size(client) == 3)
    before = rows_of(served, tenant_id + 1)

    told_of = run(*REMOVING[:-2], input="ending\n")
    assert told_of == f"ending\t6\t6\t{log_id}\n"
    assert set(rows_of(served, tenant_id)) == {"removed_tenants", "removed_logs"}
    assert list(keys.glob(f"{log_id}*")) == []
    with service.client(key) as client:
        assert_problem(client.get("/api/v1/status"), "forbidden")
    [record] = run("tenant", "list", "--removed").splitlines()
    name, _, *told = record.split("\t")
    assert (name, told) == ("ending", ["6", "6", log_id, "an officer", "the contract ended"])
    assert "no tenant 'ending'" in refused("tenant", "export", "ending", "never-written.zip")
    # Again is fine, and no id is given twice.
    assert run(*REMOVING) == told_of
    run("tenant", "create", "ending")
    assert "is open" in refused(*REMOVING)
    with connect(served.service_url) as connection:
        assert find_tenant(connection, "ending").tenant_id == tenant_id + 2
    run("key", "create", "ending", "--scope", "read")
    assert int(run("key", "list", "ending").split("\t")[0]) > int(last_key)

    after = rows_of(served, tenant_id + 1)
    assert [name for name in before if after.get(name, 0) < before[name]] == []
    known_outside(served, keys, signed, log_id, run)


def known_outside(
    served: Database, keys: Path, signed: dict[str, bytes], log_id: str, run: Run
) -> None:
    """What is known outside of the log is on record, and no finding of others."""
    for name, content in signed.items():
        (keys / name).write_bytes(content)
    told_of = run("verify", "staying")
    assert told_of.startswith("proven: the log of staying, 3 events")
    assert f"not checked: logs that are on record as removed: {log_id}" in told_of
    # More than was ever sealed of it would be a loss.
    grown = signed[f"{log_id}.last"].replace(b"\n6\n", b"\n7\n")
    (keys / f"{log_id}.last").write_bytes(grown)
    ended = roundbook("verify", "staying", settings=on(served), check=False)
    assert ended.returncode == 1
    assert f"size 7 of the log {log_id}" in ended.stdout
    for name in signed:
        (keys / name).unlink()


def exported(file: Path, tmp_path: Path, key: str) -> None:
    """Fail unless an export holds all that there is, and an auditor's verifier accepts its evidence."""
    with ZipFile(file) as opened:
        assert opened.testzip() is None
        about = json.loads(opened.read("tenant.json"))
        bundle = tmp_path / "evidence.zip"
        bundle.write_bytes(opened.read("evidence.zip"))
        tail = lines(opened, "tail.ndjson")
        conflicts = lines(opened, "conflicts.ndjson")
        closings = lines(opened, "closings.ndjson")
        [log_key] = lines(opened, "log_keys.ndjson")
        checkpoints = lines(opened, "checkpoints.ndjson")
        accesses = lines(opened, "accesses.ndjson")
        erased = lines(opened, "erased.ndjson")
        everything = b"".join(map(opened.read, opened.namelist()))
    assert about["format"] == "roundbook-export/1"
    assert about["tenant"]["currencies"] == ["DOGE"]
    assert about["tenant"]["closed_at"] is not None
    assert [(each["label"], each["scopes"]) for each in about["keys"]] == [
        ("its own", ["ingest", "read", "audit"])
    ]
    assert about["rate_limits"][0]["items_per_s"] == 100_000
    assert key.encode() not in everything
    with ZipFile(bundle) as evidence:
        events = lines(evidence, "events.ndjson")
    assert [each["position"] for each in [*events, *tail]] == [1, 2, 3, 4, 5, 6]
    assert [each["data"] for each in events[:2]] == [each["data"] for each in SENT[:2]]
    assert "commitment" in events[2]
    assert json.loads(bytes.fromhex(conflicts[0]["data"].removeprefix(r"\x")))["player_id"] == "z"
    assert [each["closed"] for each in closings] == [True, False, True]
    assert accesses[0]["number"] == 1
    assert [each["position"] for each in erased] == [3]
    assert {each["tree"] for each in checkpoints} >= {"log", "accesses"}
    verdict = judged(bundle, parse_verifier_key(log_key["vkey"]))
    assert (verdict.status, verdict.findings) == (0, [])


def test_what_is_not_sealed_is_exported_too(served: Database, run: Run, tmp_path: Path) -> None:
    with_command = on(served) | {"ROUNDBOOK_SIGN_COMMAND": "false"}
    roundbook("tenant", "create", "unsealed", settings=with_command)
    file = tmp_path / "unsealed.zip"
    assert run("tenant", "export", "unsealed", str(file)) == "0\t0\n"
    with ZipFile(file) as opened:
        assert "evidence.zip" not in opened.namelist()
        assert opened.read("tail.ndjson") == b""
