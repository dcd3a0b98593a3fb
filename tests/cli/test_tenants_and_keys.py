"""Tenants, their currencies and their keys, beside a running service."""

import re
import sys
from datetime import UTC, datetime, timedelta
from subprocess import PIPE, Popen

import httpx
import psycopg
import pytest

from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Service, environment, eventually, on, roundbook
from tests.http.wire import EVENTS, assert_problem, body, counts, deposit, login

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def send(service: Service, key: str, *items: object) -> httpx.Response:
    with service.client(key) as client:
        return client.post(EVENTS, content=body(*items))


def test_a_tenant_is_created_and_listed_newest_last(run: Run) -> None:
    name, vkey = run("tenant", "create", "first").splitlines()
    assert name == "first"
    assert re.fullmatch(
        r"roundbook\.invalid/log/[0-9a-f]{32}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}", vkey
    )
    made = run("tenant", "create", "second", "--currency", "USDT", "--currency", "BTC")
    assert made.startswith("second\n")
    *_, first, second = run("tenant", "list").splitlines()
    assert re.fullmatch(rf"first\t{TIME}\t\t\tUTC\t00:00", first)
    assert re.fullmatch(rf"second\t{TIME}\tBTC,USDT\t\tUTC\t00:00", second)


def test_the_days_of_a_tenant_are_set_one_option_at_a_time_and_listed(
    run: Run, refused: Run, served: Database
) -> None:
    run("tenant", "create", "days")

    def listed() -> list[str]:
        return run("tenant", "list").splitlines()[-1].split("\t")[4:]

    assert listed() == ["UTC", "00:00"]
    assert run("tenant", "set", "days", "--time-zone", "Europe/Copenhagen") == ""
    assert listed() == ["Europe/Copenhagen", "00:00"]
    run("tenant", "set", "days", "--day-starts", "06:00")
    assert listed() == ["Europe/Copenhagen", "06:00"]
    again = roundbook("tenant", "set", "days", "--day-starts", "06:00", settings=on(served))
    assert "nothing was changed: the days of tenant days begin at 06:00 Europe/C" in again.stderr
    assert "no time zone" in refused("tenant", "set", "days", "--time-zone", "Copenhagen")
    assert "no time of a day" in refused("tenant", "set", "days", "--day-starts", "6")
    assert "there is no tenant" in refused("tenant", "set", "nobody", "--day-starts", "06:00")
    assert listed() == ["Europe/Copenhagen", "06:00"]
    with psycopg.connect(served.owner_url) as owner:
        kept = owner.execute(
            "select number, time_zone, starts_at_minute from roundbook.day_rules order by number"
        ).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner.execute("update roundbook.day_rules set number = 7")
    assert kept == [(1, "Europe/Copenhagen", 0), (2, "Europe/Copenhagen", 360)]


def test_a_key_is_printed_alone_and_only_its_hash_is_kept(run: Run, served: Database) -> None:
    run("tenant", "create", "hashed")
    printed = run("key", "create", "hashed", "--scope", "ingest", "--scope", "read")
    assert re.fullmatch(r"rb_[A-Za-z0-9_-]{40,}\n", printed)
    key = printed.strip()
    assert key not in run("key", "list", "hashed")
    with psycopg.connect(served.owner_url) as connection:
        kept = connection.execute("select k::text from roundbook.api_keys k").fetchall()
        hashes = connection.execute(
            "select 1 from roundbook.api_keys where key_hash = sha256(%s)", [key.encode()]
        ).fetchall()
    assert key not in str(kept)
    assert len(hashes) == 1


def test_keys_are_listed_newest_last_in_columns(run: Run) -> None:
    run("tenant", "create", "listed")
    assert run("key", "list", "listed") == ""
    run("key", "create", "listed", "--scope", "audit", "--scope", "ingest", "--label", "a\tb\r\n c")
    run("key", "create", "listed", "--scope", "read", "--expires", "2999-01-01T00:00:00+01:00")
    first, second = (line.split("\t") for line in run("key", "list", "listed").splitlines())
    assert int(first[0]) < int(second[0])
    assert first[1:3] == ["valid", "ingest,audit"]
    assert second[1:3] == ["valid", "read"]
    assert re.fullmatch(TIME, first[3])
    assert [first[4], second[4]] == ["", "2998-12-31T23:00:00Z"]
    assert [first[5], second[5]] == ["a b c", ""]


def test_a_key_works_until_it_is_revoked(run: Run, service: Service) -> None:
    run("tenant", "create", "revoking")
    key, other = (run("key", "create", "revoking", "--scope", "ingest").strip() for _ in range(2))
    key_id = run("key", "list", "revoking").split("\t")[0]
    assert run("key", "revoke", key_id) == ""
    assert_problem(send(service, key, login("a")), "forbidden")
    assert counts(send(service, other, login("a"))) == (1, 0, 0)
    assert run("key", "revoke", key_id) == ""  # again is fine
    states = [line.split("\t")[1] for line in run("key", "list", "revoking").splitlines()]
    assert states == ["revoked", "valid"]


def test_a_key_ends_when_it_was_said_to(run: Run, service: Service, served: Database) -> None:
    run("tenant", "create", "expiring")
    expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    making = ("key", "create", "expiring", "--scope", "ingest", "--expires", expires)
    ended, running = run(*making).strip(), run(*making).strip()
    with psycopg.connect(served.owner_url) as owner:  # an hour later
        owner.execute(
            "update roundbook.api_keys set expires_at = now() where key_hash = sha256(%s)",
            [ended.encode()],
        )
    assert_problem(send(service, ended, login("a")), "forbidden")
    assert counts(send(service, running, login("a"))) == (1, 0, 0)
    states = [line.split("\t")[1] for line in run("key", "list", "expiring").splitlines()]
    assert states == ["expired", "valid"]


def test_a_currency_is_refused_until_it_is_allowed(run: Run, service: Service) -> None:
    run("tenant", "create", "coins")
    key = run("key", "create", "coins", "--scope", "ingest").strip()
    refusal = assert_problem(send(service, key, deposit("a", currency="DOGE")), "invalid-items")
    assert [fault["pointer"] for fault in refusal["errors"]] == ["/items/0/data/currency"]
    assert run("tenant", "allow-currency", "coins", "DOGE") == ""
    assert run("tenant", "allow-currency", "coins", "DOGE") == ""  # again is fine
    eventually(lambda: send(service, key, deposit("a", currency="DOGE")).status_code == 204)
    assert counts(send(service, key, deposit("a", currency="DOGE"))) == (0, 1, 0)
    assert send(service, key, deposit("b", currency="doge")).status_code == 422


def test_tenants_and_keys_made_at_the_same_time_are_all_there(run: Run, served: Database) -> None:
    run("tenant", "create", "crowded")
    names = [f"crowd-{n}" for n in range(4)]
    started = [
        Popen(
            [sys.executable, "-m", "api.cli", *words],
            env=environment(on(served)),
            stdout=PIPE,
            stderr=PIPE,
        )
        for name in names
        for words in (
            ["tenant", "create", name],
            ["key", "create", "crowded", "--scope", "read"],
        )
    ]
    for process in started:
        _, said = process.communicate()
        assert process.returncode == 0, said
    listed = [line.split("\t")[0] for line in run("tenant", "list").splitlines()]
    assert set(listed) >= set(names)
    assert len(run("key", "list", "crowded").splitlines()) == len(names)


@pytest.mark.parametrize("scope", ["ingest", "read", "audit"])
def test_a_key_has_the_scopes_it_was_given_and_no_other(
    run: Run, service: Service, scope: str
) -> None:
    run("tenant", "create", f"scoped-{scope}")
    key = run("key", "create", f"scoped-{scope}", "--scope", scope).strip()
    with service.client(key) as client:
        statuses = {
            "ingest": client.post(EVENTS, content=body()).status_code,
            "read": client.get("/api/v1/balances").status_code,
            "audit": client.get("/api/v1/history").status_code,
        }
    allowed = {"ingest": 204, "read": 200, "audit": 200}
    assert statuses == {name: allowed[name] if name == scope else 403 for name in statuses}
