"""What is otherwise on a cluster: where tables are, what runs there, what nobody may do, and migrating."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psycopg
import pytest

import postgres.migrate
from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.backup.backing_up import back_up
from app.backup.manifest import BackupError
from app.lives.closing import set_closed
from app.log.append import TenantClosedError
from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect, open_pool
from postgres.distribution import undistributed
from postgres.errors import UNAVAILABLE
from postgres.migrate import Migration, migrate
from tests import clusters
from tests.cluster.running import Given, all_statements, run, tasks
from tests.databases import Database, new_database
from tests.projections.helpers import project
from tests.recording.sending import assert_gapless, logins, send, stored_events

_LOOKS = {
    *("appended", "live_tenants", "behind", "grown_since", "unsealed", "signed_since", "attested"),
    *("waiting", "waiting_since", "unsealed_since", "statuses", "unkept"),
    *("progress", "limits_of_tenants", "grown_logs", "subscribed_tenants", "due"),
}

# What Citus says to what it can't do: of a form of statement, and of a place in a transaction.
_CAN_NOT = ("0A000", "25001", "XX000")


def _end_sessions(database: Database) -> None:
    """End what the nodes serve to each other, as if each were started again."""
    for node in clusters.workers(database.admin_url):
        url = clusters.at(database.admin_url, node, _name(database))
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and backend_type = 'client backend'"
                " and pid <> pg_backend_pid()"
            )


def _name(database: Database) -> str:
    return database.service_url.rpartition("/")[2]


def test_every_table_of_tenants_is_beside_the_others_and_the_shared_ones_are_everywhere(
    superuser: Connection,
) -> None:
    found = superuser.execute(
        "select c.relname, p.partmethod::text, p.colocationid from pg_class c"
        " left join pg_dist_partition p on p.logicalrelid = c.oid"
        " where c.relnamespace = 'roundbook'::regnamespace and c.relkind = 'r'"
    ).fetchall()
    methods = {table: method for table, method, _ in found}
    assert {table for table, method in methods.items() if method == "n"} == set(SCHEMA.shared)
    assert {table for table, method in methods.items() if method is None} == {"migrations"}
    assert len({group for _, method, group in found if method == "h"}) == 1


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("flags", [True, False])
def test_every_statement_runs(flags: bool, nulls: bool, database: Database, tenant: Tenant) -> None:
    values = {"tenant_id": str(tenant.tenant_id), "tenant_ids": f"{{{tenant.tenant_id}}}"}
    # What is null nowhere.
    values |= {"generation": "1", "limit": "10", "target": "a"}
    given = Given(values, flags, nulls)
    refused = []
    with connect(database.owner_url) as owner:
        for asked in all_statements():
            try:
                with owner.transaction(force_rollback=True):
                    run(owner, asked, given)
            except psycopg.Error as error:
                if error.sqlstate in _CAN_NOT and "not-null constraint" not in str(error):
                    refused.append((asked.file, asked.name, str(error)))
    assert refused == []


def test_a_look_at_what_is_new_goes_to_each_shard_once(
    database: Database, new_tenant: Callable[..., Tenant]
) -> None:
    ids = ",".join(str(new_tenant().tenant_id) for _ in range(20))
    with connect(database.owner_url) as owner:
        found = owner.execute(
            "select count(*) from citus_shards where table_name = 'events'::regclass"
        )
        (shards,) = found.fetchone() or (0,)
        counted = {
            asked.name: tasks(owner, asked, Given({"tenant_ids": f"{{{ids}}}"}))
            for asked in all_statements()
            if asked.name in _LOOKS
        }
    assert counted.keys() == _LOOKS
    assert {name: more for name, more in counted.items() if more > shards} == {}


@pytest.mark.parametrize("table", ["events", "conflicts", "accesses", "leaf_runs", "holds"])
@pytest.mark.parametrize("change", ["update {} set tenant_id = tenant_id", "delete from {}"])
def test_even_the_owner_is_refused_on_the_nodes_themselves(
    change: str, table: str, database: Database, tenant: Tenant, pool: Pool
) -> None:
    """Where the shards are, past the coordinator. (Only TRUNCATE is not: see docs/scaling.md.)"""
    send(pool, tenant, logins(["a"]))
    with connect(database.owner_url) as owner:
        found = owner.execute(
            "select shard_name, nodename, nodeport from citus_shards"
            " where table_name = %s::regclass and shardid ="
            " get_shard_id_for_distribution_column(%s::regclass, %s)",
            [table, table, tenant.tenant_id],
        ).fetchone()
    assert found is not None
    shard, host, port = found
    with connect(clusters.at(database.owner_url, clusters.Node(host, port))) as node:
        node.execute("set citus.enable_manual_changes_to_shards to on")
        filled = node.execute(f"select count(*) from {shard}".encode()).fetchone()
        statement = change.format(shard).encode()
        with pytest.raises(psycopg.errors.InsufficientPrivilege), node.transaction():
            node.execute(statement)
        assert node.execute(f"select count(*) from {shard}".encode()).fetchone() == filled


_FIRST = 16
"""The step with which clusters came."""

_LATER = Migration(
    9000,
    "later",
    "-- Code that knows step 0012 goes on.\n"
    "create table roundbook.more (tenant_id int primary key, number int);"
    "create trigger append_only before update or delete or truncate on roundbook.more"
    " for each statement execute function roundbook.refuse_change();"
    "create table roundbook.other (number int primary key);"
    "alter table roundbook.events add column more int;"
    "create or replace function roundbook.lock_log(of_tenant int)"
    " returns table (head bigint, recorded_at timestamptz, number int, log_id bytea) language plpgsql"
    " security definer as $$ begin raise exception 'that of one server'; end $$;",
)


def test_a_later_step_is_distributed_too_and_what_is_otherwise_stays_so(
    admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (*SCHEMA.migrations(), _LATER)
    with new_database(admin_url) as database:
        monkeypatch.setattr(postgres.migrate, "_migrations", lambda _: steps)
        assert migrate(SCHEMA, database.owner_url, database.service_url) == [_LATER]
        with connect(database.owner_url) as owner:
            methods = owner.execute(
                "select logicalrelid::text, partmethod::text from pg_dist_partition"
                " where logicalrelid::text in ('more', 'other') order by 1"
            ).fetchall()
            assert methods == [("more", "h"), ("other", "n")]
            owner.execute("insert into more values (1, 1)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                owner.execute("update more set number = 2 where tenant_id = 1")
        with open_pool(database.service_url, max_size=2) as pool:
            with pool.connection() as connection:
                tenant = create_tenant(connection, "one")
            assert send(pool, tenant, logins(["a"])).stored == 1


def test_hosts_that_start_at_once_migrate_and_distribute_once(admin_url: str) -> None:
    with new_database(admin_url, empty=True) as database:

        def start(_host: int) -> list[Migration]:
            return migrate(SCHEMA, database.owner_url, database.service_url)

        with ThreadPoolExecutor(3) as hosts:
            applied = [step for steps in hosts.map(start, range(3)) for step in steps]
        assert sorted(applied) == SCHEMA.migrations()
        with connect(database.owner_url) as owner:
            assert undistributed(owner, SCHEMA.shared) == []


def test_a_cluster_of_the_first_version_that_ran_there_goes_on(
    admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables are distributed already when the steps since come; what these add goes beside them."""
    first = tuple(step for step in SCHEMA.migrations() if step.number <= _FIRST)
    with new_database(admin_url, empty=True) as database:
        with monkeypatch.context() as older:
            older.setattr(postgres.migrate, "_migrations", lambda _: first)
            assert migrate(SCHEMA, database.owner_url, database.owner_url) == list(first)
        with open_pool(database.owner_url, max_size=2) as pool:
            with pool.connection() as connection:
                tenants = [create_tenant(connection, name) for name in ("one", "two", "three")]
            for tenant in tenants:
                send(pool, tenant, logins(["a", "b"]))
        later = [step.number for step in migrate(SCHEMA, database.owner_url, database.service_url)]
        assert later == [step.number for step in SCHEMA.migrations() if step.number > _FIRST]
        with connect(database.owner_url) as owner:
            assert undistributed(owner, SCHEMA.shared) == []
        with open_pool(database.service_url, max_size=2) as pool:
            for tenant in tenants:
                assert send(pool, tenant, logins(["b", "c"])).stored == 1
                assert project(pool, tenant) == 3


def test_a_backup_is_refused(database: Database, tmp_path: Path) -> None:
    """It would be of no one moment of all nodes."""
    file = tmp_path / "backup"
    with pytest.raises(BackupError, match="back up each node"):
        back_up(database.owner_url, file, programs=None, replace=False)
    assert not file.exists()


def test_a_closed_tenant_is_refused_as_one(database: Database, pool: Pool, tenant: Tenant) -> None:
    send(pool, tenant, logins(["a"]))
    with connect(database.owner_url) as owner:
        set_closed(owner, tenant.name, closed=True, reason="over", by="a test")
    with pytest.raises(TenantClosedError):
        send(pool, tenant, logins(["b"]))


def test_a_node_whose_sessions_end_loses_nothing(
    database: Database, pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    """As when it is killed: what was not acknowledged is sent again, and is there once."""
    tenants, acknowledged, unavailable = [new_tenant() for _ in range(4)], [], []
    met = Event()

    def record_all(tenant: Tenant) -> int:
        for number in range(2_000):
            if number >= 60 and met.is_set():
                return number
            while True:
                try:
                    acknowledged.append(
                        send(pool, tenant, logins([f"{number}-{each}" for each in range(5)]))
                    )
                    break
                except UNAVAILABLE as error:
                    unavailable.append(error)
        raise AssertionError("no session that ended was at work")

    with ThreadPoolExecutor() as threads:
        writers = [threads.submit(record_all, tenant) for tenant in tenants]
        # Five times, and until one of them met who was writing.
        for nth in itertools.count(1):
            before = len(acknowledged)
            _end_sessions(database)
            while len(acknowledged) < before + 20 and not all(each.done() for each in writers):
                time.sleep(0.01)
            if (nth >= 5 and unavailable) or any(each.done() for each in writers):
                break
        met.set()
        sent = [5 * writer.result() for writer in writers]
    for tenant, count in zip(tenants, sent, strict=True):
        log = stored_events(pool, tenant)
        assert_gapless(log)
        assert len(log) == count


def test_a_plain_database_becomes_a_cluster_with_all_that_it_holds(
    admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_database(admin_url, empty=True) as database:
        with monkeypatch.context() as plain:
            plain.setattr(postgres.migrate, "is_cluster", lambda _: False)
            migrate(SCHEMA, database.owner_url, database.service_url)
        with open_pool(database.service_url, max_size=2) as pool:
            with pool.connection() as connection:
                tenants = [create_tenant(connection, name) for name in ("one", "two", "three")]
            for tenant in tenants:
                send(pool, tenant, logins(["a", "b"]))
                project(pool, tenant)
            before = [stored_events(pool, tenant) for tenant in tenants]
        migrate(SCHEMA, database.owner_url, database.service_url)
        with open_pool(database.service_url, max_size=2) as pool:
            assert [stored_events(pool, tenant) for tenant in tenants] == before
            for tenant in tenants:
                receipt = send(pool, tenant, logins(["b", "c"]))
                assert (receipt.stored, receipt.duplicate) == (1, 1)
                assert project(pool, tenant) == 1
