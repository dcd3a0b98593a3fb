"""The first key of a log: made with its tenant, and never by who seals because the database has none."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from api.tenancy import create_tenant
from app.evidence.existing import begin_signing_existing
from app.evidence.guard import last_path
from app.evidence.keys import key_path
from app.evidence.log_keys import NoKeyError, begin_signing, log_keys
from app.evidence.sealer import Sealer, failure_of
from app.evidence.store import newest_checkpoint
from app.log.leaves import Log
from app.settings import Settings
from app.tenants import Tenant
from postgres.connections import Pool, open_pool
from tests.databases import Database
from tests.evidence.tampering import superuser
from tests.evidence.test_sealer import fill, log_of
from tests.logs import with_key

EVIDENCE = ["log_keys", "checkpoints", "tiles", "leaf_runs", "anchors", "head_statements"]


@pytest.fixture
def pool(fresh_database: Database) -> Iterator[Pool]:
    with open_pool(fresh_database.service_url, max_size=4) as own:
        yield own


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(signing_keys=str(tmp_path / "keys"))


def new_tenant(pool: Pool, name: str) -> Tenant:
    with pool.connection() as connection:
        tenant = create_tenant(connection, name)
    fill(pool, tenant, 3)
    return tenant


def begin_existing(pool: Pool, settings: Settings) -> list[str]:
    with pool.connection() as connection:
        return [vkey.name for vkey in begin_signing_existing(connection, settings)]


def origin(log: Log) -> str:
    return f"roundbook.invalid/log/{log.log_id.hex()}"


def test_a_log_whose_evidence_was_wiped_gets_no_other_key_and_nothing_of_it_is_signed(
    pool: Pool, fresh_database: Database, settings: Settings
) -> None:
    tenant = new_tenant(pool, "wiped")
    with pool.connection() as connection:
        with_key(connection, tenant.tenant_id, settings)
    Sealer(pool, settings).seal_all(now_s=0)
    with superuser(fresh_database) as connection:
        for table in EVIDENCE:
            connection.execute(f"delete from {table}".encode())
        connection.execute("update events set state = 'x' where position = 2")
        connection.execute("update logs set log_id = %s", [os.urandom(16)])
    keys = set(settings.signing_path.glob("*.key"))
    other = log_of(pool, tenant)
    assert begin_existing(pool, settings) == []
    sealer = Sealer(pool, settings)
    sealer.seal_all(now_s=0)
    with pool.connection() as connection:
        failure = failure_of(connection, tenant.tenant_id)
        assert failure is not None
        assert other.log_id.hex() in failure.failure
        assert "roundbook evidence add-key" in failure.failure
        assert newest_checkpoint(connection, other, "log") is None
        assert log_keys(connection, other) == []
    assert set(settings.signing_path.glob("*.key")) == keys
    # Who is sure that it never had one says so.
    with pool.connection() as connection:
        begin_signing(connection, other, settings)
        with pytest.raises(NoKeyError, match="rotate-key"):
            begin_signing(connection, other, settings)
    sealer.seal_all(now_s=60)
    with pool.connection() as connection:
        assert newest_checkpoint(connection, other, "log") is not None
        assert failure_of(connection, tenant.tenant_id) is None


def test_logs_that_are_older_than_evidence_get_their_keys_from_the_first_process_that_seals(
    pool: Pool, settings: Settings
) -> None:
    logs = [log_of(pool, new_tenant(pool, name)) for name in "ab"]
    assert begin_existing(pool, settings) == [origin(log) for log in logs]
    assert all(key_path(settings.signing_path, log.log_id).exists() for log in logs)
    Sealer(pool, settings).seal_all(now_s=0)
    with pool.connection() as connection:
        assert all(newest_checkpoint(connection, log, "log") for log in logs)
    # Once: what has none later lost it, or was made by who did not say so.
    new_tenant(pool, "c")
    assert begin_existing(pool, settings) == []


@pytest.mark.parametrize("kept", ["key", "last"])
def test_a_folder_that_holds_any_key_or_what_was_signed_is_no_unused_one(
    pool: Pool, settings: Settings, kept: str
) -> None:
    new_tenant(pool, "a")
    settings.signing_path.mkdir()
    path = key_path(settings.signing_path, bytes(16))
    (path if kept == "key" else last_path(path.parent, bytes(16), "heads")).touch()
    assert begin_existing(pool, settings) == []


def test_a_log_that_has_a_key_elsewhere_gets_no_other_one_in_an_unused_folder(
    pool: Pool, settings: Settings, tmp_path: Path
) -> None:
    """As where the folder is not mounted."""
    keyed, keyless = new_tenant(pool, "keyed"), new_tenant(pool, "keyless")
    with pool.connection() as connection:
        with_key(connection, keyed.tenant_id, Settings(signing_keys=str(tmp_path / "other")))
    assert begin_existing(pool, settings) == [origin(log_of(pool, keyless))]


def test_where_a_command_signs_no_key_is_made(pool: Pool, settings: Settings) -> None:
    new_tenant(pool, "a")
    command = Settings(signing_keys=settings.signing_keys, sign_command="false")
    assert begin_existing(pool, command) == []
    assert not settings.signing_path.exists()


def test_processes_that_seal_and_start_at_once_make_each_key_once(
    pool: Pool, settings: Settings
) -> None:
    names = {origin(log_of(pool, new_tenant(pool, name))) for name in "abc"}
    start = Barrier(3)

    def begin(_: int) -> list[str]:
        start.wait(60)
        return begin_existing(pool, settings)

    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(begin, range(3)))
    assert sorted(map(len, made)) == [0, 0, 3]
    assert {name for names in made for name in names} == names
