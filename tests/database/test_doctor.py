"""Each check of `roundbook doctor`, on a database where it is wrong."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from api.process.diagnosis import diagnose
from app.settings import Settings
from postgres.doctor import Finding, asking
from postgres.doctor.disk import room
from postgres.doctor.grants import needed
from postgres.doctor.server import clock, connections, durability
from postgres.doctor.upkeep import SQL, Slot, Transaction, slots, transactions, wraparound
from postgres.rows import fetch_all
from tests.databases import OWNER_ROLE, SERVICE_ROLE, Database
from tests.http.service import on, roundbook

# Slots and sessions are the server's: one test makes what another must not find.
pytestmark = pytest.mark.xdist_group("doctor")

WRONG = {
    "alter role {service} in database {database} set synchronous_commit = off": (
        "warning durability: synchronous_commit = off"
    ),
    "alter database {database} set zero_damaged_pages = on": (
        "wrong settings of the server: zero_damaged_pages = on, not off"
    ),
    "alter database {database} set session_replication_role = replica": (
        "wrong settings of the server: session_replication_role = replica"
    ),
    "alter database {database} set DateStyle = 'German'": "ok clock: ",
    "alter database {database} connection limit 5": "wrong connections: this host needs up to 34 of 5",
    "drop extension plpgsql cascade": "wrong extensions: plpgsql is missing",
    "delete from roundbook.migrations where number = 2": (
        "wrong schema: these steps are missing: 0002 read_models"
    ),
    "insert into roundbook.migrations values (9999, 'to come', now())": (
        "wrong schema: the schema is newer than this version"
    ),
    "drop schema roundbook cascade": "wrong schema: these steps are missing: 0001 log",
    "revoke usage on schema roundbook from {service}": (
        f"wrong schema: the role '{SERVICE_ROLE}' may not read the schema"
    ),
    "revoke insert on roundbook.events, roundbook.tiles from {service}": (
        "wrong needed rights: missing: insert on events, tiles"
    ),
    "revoke select on roundbook.rounds from {service}": (
        "wrong needed rights: missing: select on rounds"
    ),
    "revoke execute on function roundbook.lock_log(int) from {service}": (
        "wrong needed rights: missing: execute on lock_log(int)"
    ),
    "grant delete on roundbook.events to {service}": "wrong log: the role",
    "alter database {database} owner to {service}": "wrong log: the role",
    "grant insert on roundbook.tenants to {service}": (
        "warning needless rights: the role that serves may write roundbook.tenants"
    ),
    "grant create on schema public to {service}": (
        "warning needless rights: the role that serves may make tables in the schema public"
    ),
    "grant temporary on database {database} to {service}": (
        "warning needless rights: the role that serves may make temporary tables"
    ),
    "grant execute on function lo_create(oid) to {service}": (
        "warning needless rights: the role that serves may make large objects"
    ),
    "alter table roundbook.events set (autovacuum_enabled = false)": (
        "warning autovacuum: it is off for events"
    ),
}


def settings(service_url: str, owner_url: str | None, folder: Path) -> Settings:
    return Settings(
        database_url=service_url,
        owner_url=owner_url,
        signing_keys=str(folder / "keys"),
        # Whether another account could serve is the host's business.
        service_user=None if os.geteuid() else "root",
    )


def found(database: Database, folder: Path) -> list[Finding]:
    asked = settings(database.service_url, database.owner_url, folder)
    return list(diagnose(asked, workers=1, say=pytest.fail))


def beginnings(findings: list[Finding], words: str) -> list[Finding]:
    return [
        each for each in findings if f"{each.verdict} {each.check}: {each.what}".startswith(words)
    ]


def elsewhere(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def named(database: Database) -> str:
    return urlsplit(database.owner_url).path.removeprefix("/")


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ROUNDBOOK_")]:
        monkeypatch.delenv(name)


def test_nothing_is_wrong_with_a_database_as_it_should_be(
    database: Database, tmp_path: Path
) -> None:
    checks = found(database, tmp_path)
    assert [each for each in checks if each.verdict != "ok"] == []
    assert [each for each in checks if each.remedy] == []
    assert len({each.check for each in checks}) == 25


@pytest.mark.parametrize("statement", WRONG)
def test_what_is_wrong_is_found_and_a_remedy_named(
    statement: str, fresh_database: Database, tmp_path: Path
) -> None:
    names = {"service": SERVICE_ROLE, "database": named(fresh_database)}
    with psycopg.connect(
        fresh_database.admin_url, dbname=named(fresh_database), autocommit=True
    ) as admin:
        admin.execute(
            sql.SQL(statement).format(**{name: sql.Identifier(of) for name, of in names.items()})
        )
    checks = found(fresh_database, tmp_path)
    (finding,) = beginnings(checks, WRONG[statement])
    assert bool(finding.remedy) == (finding.verdict != "ok")
    # Whatever is wrong with one, the others are asked.
    assert checks[-1].check == "autovacuum"


@pytest.fixture
def latin(admin_url: str) -> Iterator[str]:
    name = f"roundbook_test_latin_{os.getpid()}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        make = "create database {} encoding 'LATIN1' locale 'C' template template0"
        admin.execute(sql.SQL(make).format(sql.Identifier(name)))
        yield name
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_a_database_that_cant_hold_every_character(
    database: Database, latin: str, tmp_path: Path
) -> None:
    asked = settings(elsewhere(database.service_url, latin), None, tmp_path)
    assert beginnings(
        list(diagnose(asked, workers=1, say=pytest.fail)), f"wrong encoding: the database '{latin}'"
    )


def test_the_owner_and_the_superuser_are_not_to_serve(database: Database, tmp_path: Path) -> None:
    as_owner = list(
        diagnose(settings(database.owner_url, None, tmp_path), workers=1, say=pytest.fail)
    )
    assert beginnings(as_owner, "warning log: one credential owns the schema and serves")
    master = elsewhere(database.admin_url, named(database))
    as_master = diagnose(settings(master, database.owner_url, tmp_path), workers=1, say=pytest.fail)
    assert beginnings(list(as_master), "wrong role: the role ")


def test_credentials_that_lead_nowhere_or_to_two_places(
    database: Database, fresh_database: Database, tmp_path: Path
) -> None:
    nowhere = elsewhere(database.owner_url, "there_is_none")
    asked = settings(database.service_url, nowhere, tmp_path)
    checks = list(diagnose(asked, workers=1, say=pytest.fail))
    (finding,) = beginnings(checks, "wrong credential of the owner: ROUNDBOOK_OWNER_URL: ")
    assert "there_is_none" in finding.what
    assert checks[-1].check == "autovacuum", "the service's leads there"
    asked = settings(nowhere, None, tmp_path)
    assert beginnings(
        list(diagnose(asked, workers=1, say=pytest.fail)),
        "wrong credential of the service: ROUNDBOOK_DATABASE_URL: ",
    )
    asked = settings(database.service_url, fresh_database.owner_url, tmp_path)
    assert beginnings(
        list(diagnose(asked, workers=1, say=pytest.fail)),
        "wrong credential of the owner: ROUNDBOOK_OWNER_URL leads to the database ",
    )


def test_a_slot_that_nobody_reads(database: Database, tmp_path: Path) -> None:
    name = f"doctor_{os.getpid()}"
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("select pg_create_physical_replication_slot(%s, true)", [name])
        try:
            checks = found(database, tmp_path)
        finally:
            admin.execute("select pg_drop_replication_slot(%s)", [name])
    (finding,) = beginnings(checks, f"warning replication slots: the slot {name} is read by nobody")
    assert f"pg_drop_replication_slot('{name}')" in finding.remedy


def test_open_transactions_of_the_roles_are_seen(database: Database) -> None:
    with psycopg.connect(database.service_url) as idle, asking(database.service_url) as connection:
        idle.execute("select 1")
        (seen,) = [
            each
            for each in fetch_all(connection, SQL.transactions, None, Transaction)
            if each.pid == idle.info.backend_pid
        ]
    assert (seen.role, seen.state) == (SERVICE_ROLE, "idle in transaction")
    assert 0 <= seen.in_state_s <= seen.open_s


def test_asking_writes_nothing(database: Database) -> None:
    with (
        asking(database.owner_url) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("create table roundbook.t ()")


def verdicts(*findings: Finding) -> list[str]:
    assert all(each.remedy for each in findings if each.verdict != "ok")
    return [each.verdict for each in findings]


def test_what_grows_with_time_is_judged_by_how_much_it_is() -> None:
    gib = 1024**3
    assert verdicts(*(room(Path("/"), free * gib, 99 * gib) for free in (0, 3, 9))) == [
        "wrong",
        "warning",
        "ok",
    ]
    apart = [timedelta(seconds=s) for s in (0.3, -0.9, 2, -30, 61, -7000)]
    assert verdicts(*map(clock, apart)) == ["ok", "ok", "warning", "warning", "wrong", "wrong"]
    assert "2.0 s ahead of" in clock(timedelta(seconds=2)).what
    assert "1.9 h behind" in clock(timedelta(seconds=-7000)).what
    ages = (200_000_000, 1_200_000_000, 2_000_000_000)
    assert verdicts(*(wraparound("d", age) for age in ages)) == ["ok", "warning", "wrong"]
    rooms = [(100, 5, 30), (100, 95, 30), (20, 0, 30)]
    assert verdicts(*(connections(*each) for each in rooms)) == ["ok", "warning", "wrong"]


def test_slots_and_transactions_are_judged_one_by_one() -> None:
    some = [
        Slot("read", is_active=True, status="reserved", bytes=5),
        Slot("idle", is_active=False, status="reserved", bytes=None),
        Slot("lost", is_active=True, status="lost", bytes=None),
        Slot("full", is_active=True, status="extended", bytes=11 * 1024**3),
    ]
    assert verdicts(*slots(some)) == ["ok", "warning", "warning", "wrong"]
    open_ones = [
        Transaction(1, "r", "active", 5, 5, None),
        Transaction(2, "r", "active", 3_600, 1, 7),
        Transaction(3, "r", "idle in transaction (aborted)", 70, 61, 7),
        Transaction(4, "r", "active", 90_000, 1, 7),
    ]
    assert verdicts(*transactions(open_ones, 0)) == ["warning", "warning", "wrong"]
    (none_long,) = transactions(open_ones[:1], 2)
    assert none_long.verdict == "ok"
    assert "2 sessions of other roles" in none_long.what


def test_what_is_needed_is_what_is_granted_for_good() -> None:
    for_good = (
        "grant usage on schema s to {service};\n-- grant delete on a to {service};\n"
        "grant select on all tables in schema s to {service};"
        " grant insert, update on a, b to {service}; grant usage on sequence c to {service};"
        " grant execute on function f(int, text[]), g() to {service};"
    )
    for_a_time = (
        "do $$ begin if true then grant delete on a to {service};"
        " else revoke select on b from {service}; end if; end $$; revoke all on a from public;"
    )
    assert needed([for_good, for_a_time], ["a", "b"]) == (
        [("a", "insert"), ("a", "select"), ("a", "update"), ("b", "insert"), ("b", "update")],
        ["f(int, text[])", "g()"],
    )


def test_durability_is_judged_setting_by_setting() -> None:
    sound: dict[str, str | None] = dict.fromkeys(
        ("fsync", "full_page_writes", "synchronous_commit"), "on"
    )
    assert verdicts(*durability(sound)) == ["ok"]
    assert verdicts(*durability(sound | {"synchronous_commit": "remote_apply"})) == ["ok"]
    assert verdicts(*durability(sound | {"fsync": "off"})) == ["wrong"]
    assert verdicts(*durability(sound | {"full_page_writes": "off"})) == ["warning"]
    assert verdicts(*durability(sound | {"synchronous_commit": "local"})) == ["warning"]


def test_keys_that_others_can_read_or_change(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(0o700)
    (folder / "a.key").touch(0o600)
    (folder / "a.signed").touch(0o600)

    def keys() -> list[str]:
        asked = settings(elsewhere(database.service_url, "there_is_none"), None, tmp_path)
        checks = diagnose(asked, workers=1, say=pytest.fail)
        return verdicts(*(each for each in checks if each.check == "signing keys"))

    assert keys() == ["ok"]
    folder.chmod(0o755)
    assert keys() == ["warning"]
    folder.chmod(0o770)
    (folder / "a.key").chmod(0o640)
    (folder / "a.signed").chmod(0o666)
    assert keys() == ["wrong", "wrong", "wrong"]


def test_a_variable_that_is_no_setting(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUNDBOOK_POOLSIZE", "3")
    (finding,) = beginnings(found(database, tmp_path), "warning settings: ROUNDBOOK_POOLSIZE: ")
    assert "is ROUNDBOOK_POOL_SIZE meant?" in finding.what


def test_the_command_tells_people_and_programs(fresh_database: Database) -> None:
    well = roundbook("doctor", settings=on(fresh_database))
    assert "ok      schema: up to date at step " in well.stdout
    with psycopg.connect(
        fresh_database.admin_url, dbname=named(fresh_database), autocommit=True
    ) as admin:
        admin.execute(f"revoke insert on roundbook.events from {SERVICE_ROLE}".encode())
    ended = roundbook(
        "doctor", "--json", "--workers", "64", settings=on(fresh_database), check=False
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    wrong = {line["check"]: line for line in lines if line["verdict"] == "wrong"}
    assert wrong["needed rights"]["what"] == "missing: insert on events"
    assert "roundbook migrate" in wrong["needed rights"]["remedy"]
    assert ended.stderr.startswith("Error: wrong: ")
    assert OWNER_ROLE in ended.stdout
