"""Shards that move, and nodes that are added, while tenants record."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from app.evidence.sealer import Sealer
from app.evidence.store import newest_checkpoint
from app.settings import Settings
from app.tenants import Tenant, create_key, find_key
from postgres.connections import Connection, Pool, connect, open_pool
from tests import clusters
from tests.databases import Database
from tests.http.service import eventually
from tests.logs import with_key
from tests.projections.helpers import position, project
from tests.recording.sending import assert_gapless, logins, send, stored_events

_NOT_WAITED_S = 0.3


def _placement(superuser: Connection, tenant: Tenant) -> tuple[Any, ...]:
    found = superuser.execute(
        "select shardid, nodename, nodeport from pg_dist_shard_placement where shardid ="
        " get_shard_id_for_distribution_column('roundbook.events'::regclass, %s)",
        [tenant.tenant_id],
    ).fetchone()
    assert found is not None
    return found


def test_a_shard_moves_while_its_tenant_records(
    database: Database, superuser: Connection, pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant, stop, acknowledged, unavailable = new_tenant(), Event(), [], []

    def record_again_and_again() -> None:
        number = 0
        while not stop.is_set():
            ids = [f"{number}-{each}" for each in range(10)]
            number += 1
            while True:
                try:
                    send(pool, tenant, logins(ids))
                    break
                except psycopg.Error as error:
                    unavailable.append(error)
            acknowledged.extend(ids)

    shard, host, port = _placement(superuser, tenant)
    to = next(node for node in clusters.workers(database.admin_url) if node.port != port)
    with ThreadPoolExecutor() as threads:
        writer = threads.submit(record_again_and_again)
        try:
            superuser.execute(
                "select citus_move_shard_placement(%s, %s, %s, %s, %s, 'force_logical')",
                [shard, host, port, to.host, to.port],
            )
            before = len(acknowledged)
            while len(acknowledged) < before + 100 and not writer.done():
                stop.wait(0.01)
        finally:
            stop.set()
        writer.result()
    assert _placement(superuser, tenant) == (shard, to.host, to.port)
    log = stored_events(pool, tenant)
    assert_gapless(log)
    assert len(log) == len(acknowledged)
    assert project(pool, tenant) == len(log) == position(pool, tenant)
    # What is refused stays so where the shard is now.
    with (
        connect(database.owner_url) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
    ):
        owner.execute("update events set topic = '' where tenant_id = %s", [tenant.tenant_id])


_COPIES = "copy subscriptions (tenant_id, name, kind, target, position, created_at) from stdin"
_WAITS = (
    "select exists (select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'"
    " and not granted and database = (select oid from pg_database where datname = current_database()))"
)


def test_who_waits_for_a_shard_that_moves_is_told_to_come_again(
    database: Database, superuser: Connection, pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    """A COPY holds where all shards are: a move waits for each, and each that comes later for the move."""
    slow, moved, other = (new_tenant() for _ in range(3))
    shard, host, port = _placement(superuser, moved)
    to = next(node for node in clusters.workers(database.admin_url) if node.port != port)

    def move() -> None:
        url, name = database.admin_url, superuser.info.dbname
        with psycopg.connect(url, dbname=name, autocommit=True) as mover:
            mover.execute(
                "select citus_move_shard_placement(%s, %s, %s, %s, %s, 'force_logical')",
                [shard, host, port, to.host, to.port],
            )

    with (
        ThreadPoolExecutor() as threads,
        open_pool(database.service_url, max_size=1, lock_timeout_s=_NOT_WAITED_S) as impatient,
    ):
        with (
            connect(database.service_url) as session,
            session.transaction(force_rollback=True),
            session.cursor() as cursor,
            cursor.copy(_COPIES) as sink,
        ):
            sink.write(f"{slow.tenant_id}\ta\twebhook\ta\t0\t2026-01-01Z\n")
            moving = threads.submit(move)
            eventually(lambda: superuser.execute(_WAITS).fetchone() == (True,))
            with pytest.raises(psycopg.errors.LockNotAvailable):
                send(impatient, other, logins(["a"]))
        moving.result()
    assert _placement(superuser, moved) == (shard, to.host, to.port)
    for tenant in (moved, other):
        assert send(pool, tenant, logins(["a"])).stored == 1


def test_tenants_go_on_while_a_node_is_added_and_keys_wait(
    database: Database,
    superuser: Connection,
    tmp_path: Path,
    new_tenant: Callable[..., Tenant],
) -> None:
    """Citus holds the list of nodes meanwhile, which is asked for where every node has what is written."""
    tenant, settings = new_tenant(), Settings(signing_keys=str(tmp_path / "keys"))
    with connect(database.service_url) as connection:
        log = with_key(connection, tenant.tenant_id, settings)
        key = create_key(connection, tenant, ["ingest"]).key
    with (
        open_pool(database.service_url, max_size=4, lock_timeout_s=_NOT_WAITED_S) as impatient,
        superuser.transaction(),
    ):
        superuser.execute("lock table pg_dist_node in exclusive mode")
        assert send(impatient, tenant, logins(["a", "b"])).stored == 2
        assert project(impatient, tenant) == position(impatient, tenant) == 2
        Sealer(impatient, settings).seal_all(now_s=0)
        with impatient.connection() as connection:
            assert find_key(connection, key) is not None
            sealed = newest_checkpoint(connection, log, "log")
            assert sealed is not None
            assert sealed.size == 2
            with pytest.raises(psycopg.errors.LockNotAvailable):
                create_key(connection, tenant, ["ingest"])
