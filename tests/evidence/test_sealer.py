"""Sealing: what is signed is the tree over all that was recorded, and nothing is signed that isn't."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from app.evidence.guard import last_path
from app.evidence.keys import key_path
from app.evidence.log_keys import log_keys
from app.evidence.sealer import SQL, Sealer, failure_of
from app.evidence.store import Sealed, newest_checkpoint, reader
from app.evidence.verifying import verify
from app.log.leaves import Log, current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.checkpoints import parse_checkpoint
from domain.evidence.notes import parse_note, parse_verifier_key
from domain.evidence.proofs import Tree as StoredTree
from domain.evidence.proofs import verify_consistency, verify_inclusion
from postgres.connections import Connection, Pool, connect
from tests.databases import Database
from tests.evidence.reading import expected_hashes
from tests.evidence.tampering import change_past_triggers
from tests.evidence.trees import naive_root
from tests.logs import begin_another_log, with_key
from tests.recording.sending import logins, send


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(signing_keys=str(tmp_path / "keys"))


@pytest.fixture
def sealer(pool: Pool, settings: Settings) -> Sealer:
    return Sealer(pool, settings)


@pytest.fixture
def tenant(new_tenant: Callable[..., Tenant]) -> Tenant:
    return new_tenant()


@pytest.fixture
def log(pool: Pool, tenant: Tenant, settings: Settings) -> Log:
    with pool.connection() as connection:
        return with_key(connection, tenant.tenant_id, settings)


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with connect(database.owner_url) as connection:
        yield connection


def log_of(pool: Pool, tenant: Tenant) -> Log:
    with pool.connection() as connection:
        found = current_log(connection, tenant.tenant_id)
    assert found is not None
    return found


def fill(pool: Pool, tenant: Tenant, events: int) -> None:
    send(pool, tenant, logins(f"{os.urandom(8).hex()}-{number}" for number in range(events)))


def checkpoint(pool: Pool, log: Log) -> Sealed:
    """Return the newest checkpoint; its signature holds, and its root is that of the rows of the log."""
    with pool.connection() as connection:
        sealed = newest_checkpoint(connection, log, "log")
        assert sealed is not None
        [key] = log_keys(connection, log)
        hashes = expected_hashes(connection, log.tenant_id)
    note = parse_note(sealed.note.encode())
    vkey = parse_verifier_key(key.vkey)
    assert [found.vkey for found in verify(note, [vkey])] == [vkey]
    body = parse_checkpoint(note.text)
    assert body.origin == vkey.name == f"roundbook.invalid/log/{log.log_id.hex()}"
    assert (body.size, body.root) == (sealed.size, sealed.root)
    assert sealed.root == naive_root(hashes[: sealed.size])
    return sealed


def test_what_was_recorded_is_sealed_and_signed(
    pool: Pool, sealer: Sealer, tenant: Tenant, log: Log, settings: Settings
) -> None:
    fill(pool, tenant, 3)
    assert sealer.seal(log) == 3
    assert checkpoint(pool, log).size == 3
    assert sealer.seal(log) == 0
    fill(pool, tenant, 600)
    assert sealer.seal(log) == 600
    sealed = checkpoint(pool, log)
    assert sealed.size == 603
    path = key_path(settings.signing_path, log.log_id)
    assert path.stat().st_mode & 0o777 == 0o600
    last = parse_checkpoint(last_path(settings.signing_path, log.log_id, "log").read_text())
    assert (last.size, last.root) == (603, sealed.root)


@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6), fresh=st.booleans())
def test_however_it_grew_each_checkpoint_continues_the_one_before(
    pool: Pool,
    new_tenant: Callable[..., Tenant],
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    fresh: bool,
) -> None:
    tenant = new_tenant()
    settings = Settings(signing_keys=str(tmp_path_factory.mktemp("keys")))
    with pool.connection() as connection:
        log = with_key(connection, tenant.tenant_id, settings)
    sealer = Sealer(pool, settings)
    sealed = []
    for size in sizes:
        fill(pool, tenant, size)
        if fresh:
            sealer = Sealer(pool, settings)  # one that knows nothing but what is stored
        assert sealer.seal(log) == size
        sealed.append(checkpoint(pool, log))
    with pool.connection() as connection:
        hashes = expected_hashes(connection, log.tenant_id)
        read = reader(connection, log, "log")
        newest = StoredTree(sum(sizes), read)
        assert newest.root == sealed[-1].root
        for each in sealed:
            proof = newest.consistency(each.size)
            assert verify_consistency(each.size, newest.size, each.root, newest.root, proof)
        for index in {0, newest.size // 2, newest.size - 1}:
            proof = newest.inclusion(index)
            assert verify_inclusion(hashes[index], index, newest.size, proof, newest.root)


def test_what_was_recorded_without_hashes_is_sealed_too_bit_by_bit(
    pool: Pool,
    sealer: Sealer,
    tenant: Tenant,
    log: Log,
    owner: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.log.leaves._EVENTS_AT_ONCE", 7)
    monkeypatch.setattr("app.evidence.sealer.LEAVES_AT_ONCE", 25)
    for events in (10, 20, 30):
        fill(pool, tenant, events)
    # As an older version leaves it: the first and the last without hashes, those between with.
    delete = f"delete from leaf_runs where tenant_id = {tenant.tenant_id} and first_position <> 11"
    change_past_triggers(owner, "leaf_runs", delete)
    assert [sealer.seal(log) for _ in range(4)] == [25, 25, 10, 0]
    assert checkpoint(pool, log).size == 60


def test_only_logs_that_grew_are_looked_at(
    pool: Pool, sealer: Sealer, tenant: Tenant, log: Log
) -> None:
    def listed() -> bool:
        with pool.connection() as connection:
            asked = {"tenant_ids": [tenant.tenant_id]}
            rows = connection.execute(SQL.unsealed.sql, asked).fetchall()
        return tenant.tenant_id in {row[0] for row in rows}

    assert not listed()
    fill(pool, tenant, 1)
    assert listed()
    sealer.seal(log)
    assert not listed()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("leaf_runs", "update leaf_runs set hashes = overlay(hashes placing 'x'::bytea from 9580)"),
        ("leaf_runs", "delete from leaf_runs"),
        ("tiles", "update tiles set hashes = sha256(hashes)"),
        ("tiles", "delete from tiles"),
        ("checkpoints", "update checkpoints set root = sha256(root)"),
    ],
)
def test_nothing_is_signed_over_hashes_that_are_not_those_that_were(
    pool: Pool,
    settings: Settings,
    tenant: Tenant,
    log: Log,
    owner: Connection,
    table: str,
    change: str,
) -> None:
    fill(pool, tenant, 300)
    Sealer(pool, settings).seal(log)
    where = f"{change} where tenant_id = {tenant.tenant_id}"
    change_past_triggers(owner, table, where)
    fill(pool, tenant, 5)
    Sealer(pool, settings).seal_all(now_s=0)
    with pool.connection() as connection:
        sealed = newest_checkpoint(connection, log, "log")
        failure = failure_of(connection, tenant.tenant_id)
    assert sealed is not None
    assert sealed.size == 300
    assert failure is not None
    assert "size 300" in failure.failure
    labels = {"tenant": str(tenant.tenant_id)}
    assert REGISTRY.get_sample_value("roundbook_evidence_failing", labels) == 1


def test_what_was_rolled_back_is_not_signed_again(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log, owner: Connection
) -> None:
    sealer = Sealer(pool, settings)
    fill(pool, tenant, 10)
    sealer.seal(log)
    fill(pool, tenant, 10)
    sealer.seal(log)
    for table, column in (
        ("events", "position"),
        ("leaf_runs", "first_position"),
        ("checkpoints", "size"),
    ):
        delete = f"delete from {table} where tenant_id = {tenant.tenant_id} and {column} > 10"
        change_past_triggers(owner, table, delete)
    fill(pool, tenant, 5)
    Sealer(pool, settings).seal_all(now_s=0)
    with pool.connection() as connection:
        failure = failure_of(connection, tenant.tenant_id)
        sealed = newest_checkpoint(connection, log, "log")
    assert failure is not None
    assert "rolled back" in failure.failure
    assert sealed is not None
    assert sealed.size == 10


def test_a_lost_checkpoint_that_was_signed_is_signed_again(
    pool: Pool,
    settings: Settings,
    tenant: Tenant,
    log: Log,
    owner: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was sealed is not waited for: after a crash the newest checkpoints may be gone."""
    monkeypatch.setattr("app.evidence.sealer.LEAVES_AT_ONCE", 25)
    fill(pool, tenant, 60)
    sealer = Sealer(pool, settings)
    while sealer.seal(log):
        pass
    first = checkpoint(pool, log)
    for table in ("checkpoints", "tiles"):
        delete = f"delete from {table} where tenant_id = {tenant.tenant_id}"
        change_past_triggers(owner, table, delete)
    fill(pool, tenant, 1)
    assert Sealer(pool, settings).seal(log) == 60
    assert checkpoint(pool, log).root == first.root


def test_without_its_key_nothing_is_signed_and_ingest_goes_on(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log
) -> None:
    fill(pool, tenant, 1)
    Sealer(pool, settings).seal(log)
    path = key_path(settings.signing_path, log.log_id)
    kept = path.read_bytes()
    path.unlink()
    fill(pool, tenant, 1)
    sealer = Sealer(pool, settings)
    sealer.seal_all(now_s=0)
    with pool.connection() as connection:
        failure = failure_of(connection, tenant.tenant_id)
    assert failure is not None
    assert str(path) in failure.failure
    path.write_bytes(kept)
    sealer.seal_all(now_s=1)
    assert checkpoint(pool, log).size == 1
    sealer.seal_all(now_s=60)
    assert checkpoint(pool, log).size == 2
    with pool.connection() as connection:
        assert failure_of(connection, tenant.tenant_id) is None


def test_what_nobody_foresaw_of_one_log_holds_up_no_other(
    pool: Pool, settings: Settings, new_tenant: Callable[..., Tenant], owner: Connection
) -> None:
    first, second = new_tenant(), new_tenant()
    for tenant in (first, second):
        fill(pool, tenant, 1)
        with pool.connection() as connection:
            with_key(connection, tenant.tenant_id, settings)
    sealer = Sealer(pool, settings)
    sealer.seal_all(now_s=0)
    unreadable = f"update log_keys set added_at = 'infinity' where tenant_id = {first.tenant_id}"
    change_past_triggers(owner, "log_keys", unreadable)
    for tenant in (first, second):
        fill(pool, tenant, 1)
    sealer.seal_all(now_s=60)
    with pool.connection() as connection:
        assert failure_of(connection, first.tenant_id) is not None
        assert failure_of(connection, second.tenant_id) is None
    assert checkpoint(pool, log_of(pool, second)).size == 2


def test_sealers_beside_each_other_seal_each_log_once(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log
) -> None:
    fill(pool, tenant, 500)
    sealers = [Sealer(pool, settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            fill(pool, tenant, 50)
            list(threads.map(lambda sealer: sealer.seal(log), sealers))
    sealers[0].seal(log)
    assert checkpoint(pool, log).size == 750


def test_another_log_of_the_tenant_hashes_all_events_anew(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log
) -> None:
    fill(pool, tenant, 5)
    Sealer(pool, settings).seal(log)
    first = checkpoint(pool, log)
    with pool.connection() as connection:
        begin_another_log(connection, tenant.tenant_id)
        other = with_key(connection, tenant.tenant_id, settings)
    fill(pool, tenant, 5)
    assert other.number == 2
    Sealer(pool, settings).seal(other)
    second = checkpoint(pool, other)
    assert second.size == 10
    assert first.root != second.root
