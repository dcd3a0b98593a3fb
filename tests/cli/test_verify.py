"""`roundbook verify` and `roundbook rebuild`, on a log that is what was sealed, and on a changed one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from psycopg import sql

from api.tenancy import create_tenant
from app.evidence.status import read_evidence_status
from postgres.connections import connect, open_pool
from tests.databases import Database, new_database
from tests.evidence.tampering import ALTER_AMOUNT, RESTORE_AMOUNT, Case, build, superuser
from tests.http.service import on, roundbook

TENANT = "verified"
AT = 321
Command = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def case(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    """A log in a database of its own, in which no service seals or projects meanwhile."""
    with new_database(admin_url, template=template) as own:
        with connect(own.service_url) as connection:
            tenant = create_tenant(connection, TENANT)
        with open_pool(own.service_url, max_size=2) as pool:
            yield build(pool, own, tenant, tmp_path_factory.mktemp("verified"), [300, 700])


@pytest.fixture
def command(case: Case) -> Command:
    def run(*arguments: str, **variables: str) -> CompletedProcess[str]:
        keys = {"ROUNDBOOK_SIGNING_KEYS": str(case.settings.signing_path)}
        return roundbook(*arguments, settings=on(case.database) | keys | variables, check=False)

    return run


@pytest.fixture
def altered(case: Case) -> Iterator[None]:
    case.tamper(ALTER_AMOUNT, at=AT)
    yield
    case.tamper(RESTORE_AMOUNT, at=AT)


@pytest.fixture
def reader(case: Case) -> Iterator[str]:
    """The URL of an auditor's role, who can only read."""
    name = sql.Identifier("roundbook_test_auditor")
    database = psycopg.conninfo.conninfo_to_dict(case.database.owner_url)["dbname"]
    url = psycopg.conninfo.make_conninfo(case.database.admin_url, dbname=database)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login password 'for-tests-only'").format(name))
        admin.execute(sql.SQL("grant usage on schema roundbook to {}").format(name))
        admin.execute(sql.SQL("grant select on all tables in schema roundbook to {}").format(name))
        yield case.database.service_url.replace(
            "roundbook_test_service", "roundbook_test_auditor", 1
        )
        admin.execute(sql.SQL("drop owned by {}").format(name))
        admin.execute(sql.SQL("drop role {}").format(name))


def test_a_log_that_is_what_was_sealed_is_proven(command: Command, case: Case, reader: str) -> None:
    keys = case.verify().keys
    assert keys is not None
    vkey = str(keys.keys[0].vkey)
    ended = command("verify", TENANT, "--anchors", str(case.anchors), "--vkey", vkey)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, *rest = ended.stdout.splitlines()
    assert first == f"proven: the log of {TENANT}, 700 events, positions 1 to 700"
    assert "checkpoints: the newest is of size 700; 5 roots compared equal" in rest
    assert f"key from size 0: {vkey}" in rest
    assert [line for line in rest if line.startswith("not checked: ")] == [
        "not checked: that no stream was left out of what players were given: no statement of heads was made"
    ]
    # Who can only read, and has neither keys nor anchors, is told what that leaves open.
    ended = command(
        "verify",
        TENANT,
        ROUNDBOOK_DATABASE_URL=reader,
        ROUNDBOOK_OWNER_URL="",
        ROUNDBOOK_SIGNING_KEYS="/nowhere",
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("proven: ")
    assert ended.stdout.count("not checked: ") == 5


def test_a_log_that_was_changed_is_not(command: Command, altered: None) -> None:
    ended = command("verify", TENANT)
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert lines[0] == "321 leaf: the event is not the one that was sealed"
    assert lines[1].startswith("not proven: ")
    assert ended.stderr == f"Error: the log of {TENANT} is not proven: 1 finding\n"
    assert command("verify", TENANT, "--from-position", "322").returncode == 0


def test_what_cannot_be_read_is_neither(command: Command, tmp_path: Path) -> None:
    for arguments in (
        ["nobody"],
        [TENANT, "--anchors", str(tmp_path / "missing.ndjson")],
        [TENANT, "--vkey", "no key"],
        [TENANT, "--from-position", "0"],
        [],
    ):
        ended = command("verify", *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "Error: " in ended.stderr
        assert "Traceback" not in ended.stderr
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    ended = command("verify", TENANT, ROUNDBOOK_DATABASE_URL=nowhere, ROUNDBOOK_OWNER_URL="")
    assert (ended.returncode, ended.stdout) == (2, "")


def rebuilt_anyway(case: Case) -> str | None:
    """Return what the status says of a rebuild of a log that was changed."""
    with connect(case.database.service_url) as connection:
        said = read_evidence_status(connection, case.tenant.tenant_id).rebuilt_anyway
    return said.reason if said else None


def test_no_read_models_are_made_of_a_log_that_was_changed(
    command: Command, case: Case, altered: None
) -> None:
    ended = command("rebuild", TENANT)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"the log of {TENANT} is not what was sealed:" in ended.stderr
    assert "321 leaf: the event is not the one that was sealed" in ended.stderr
    assert "--anyway" in ended.stderr
    assert command("rebuild", TENANT, "--anyway", "--check").returncode == 0
    assert rebuilt_anyway(case) is None
    ended = command("rebuild", TENANT, "--anyway")
    assert ended.returncode == 0
    assert "321 leaf: the event is not the one that was sealed" in ended.stderr
    assert "the read models are made of it all the same (--anyway)" in ended.stderr
    assert "up to position 700" in ended.stdout
    assert rebuilt_anyway(case) == "321 leaf: the event is not the one that was sealed"
    case.tamper(RESTORE_AMOUNT, at=AT)
    assert command("rebuild", TENANT, "--check").returncode == 1
    assert rebuilt_anyway(case) is not None
    assert command("rebuild", TENANT).returncode == 1
    assert rebuilt_anyway(case) is None


def test_read_models_are_made_of_a_log_that_is_what_was_sealed(command: Command) -> None:
    ended = command("rebuild", TENANT, "--check")
    assert "is not what was sealed" not in ended.stderr


def test_what_was_made_unreadable_is_a_finding_and_no_error(command: Command, case: Case) -> None:
    with superuser(case.database) as connection:
        found = connection.execute(
            "select created_at from tenants where tenant_id = %s", [case.tenant.tenant_id]
        ).fetchone()
    assert found is not None
    case.tamper("create table kept_logs as table logs")
    case.tamper(
        "update tenants set created_at = 'infinity' where tenant_id = %(tenant_id)s",
    )
    try:
        ended = command("verify", TENANT)
        assert ended.returncode == 1
        assert (
            "1 time: the tenant has the time infinity, which no clock shows"
            in ended.stdout.splitlines()
        )
        case.tamper("delete from logs where tenant_id = %(tenant_id)s")
        ended = command("verify", TENANT)
        assert ended.returncode == 1
        assert "has no id: it was never sealed, or its entry in `logs` is gone" in ended.stderr
    finally:
        case.tamper(
            "update tenants set created_at = %(made_at)s where tenant_id = %(tenant_id)s",
            made_at=found[0],
        )
        case.tamper(
            "delete from logs where tenant_id = %(tenant_id)s",
            "insert into logs table kept_logs",
            "drop table kept_logs",
        )
    assert command("verify", TENANT).returncode == 0
