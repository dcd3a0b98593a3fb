"""Every statement can run where tables are distributed by tenant, and so can every table and index."""

import re
import shutil
from pathlib import Path

import pytest
from pglast import ast, parse_sql

from api.schema import SCHEMA
from postgres.connections import connect
from tests.databases import Database
from tests.rooms.distributed import (
    BY_PARAMETER,
    CONFLICT,
    EMPTY_FROM,
    FUNCTION_JOIN,
    NAMED_TENANT,
    ONE_QUERY,
    ONE_TENANT,
    PULLED,
    ROW_LOCK,
    SET_TENANT,
    SNAPSHOT,
    UNSTABLE,
    Fault,
    faults,
)
from tests.rooms.ownership import known_tables

SRC = Path(__file__).parents[2] / "src"

# Statements about all tenants, each of which goes to every shard once, and why.
OF_ALL = {
    "all_log_ids": "auditors: which of the logs they know are not here",
    "appended": "what is new, by transactions",
    "attested": "what is new, of many tenants at once",
    "behind": "what is new, of many tenants at once",
    "clear_findings": "an anchor that contradicts nothing any more",
    "due": "what is to be sent, of many tenants at once",
    "forget_refused": "the sweep of all, once an hour",
    "grown_logs": "what is new, by transactions",
    "grown_since": "what is new, by transactions",
    "how_subscriptions_are": "a metric of all",
    "live_tenants": "the look at all, once a minute",
    "limits_of_tenants": "the look of who operates the service",
    "logs_there": "a backup of all",
    "never_sealed": "the first start of a version",
    "progress": "the look of who operates the service",
    "signed_since": "what is new, by transactions",
    "statuses": "the look of who operates the service",
    "subscribed_tenants": "the look at all, each second",
    "tenants_with_logs": "the look at all, once a minute",
    "trim_refused": "the sweep of all, once an hour",
    "trees": "the start of an anchor",
    "unkept": "the start of a version",
    "unsealed": "what is new, of many tenants at once",
    "unsealed_since": "a metric of all",
    "waiting": "what is new, of many tenants at once",
    "waiting_since": "a metric of all",
}

# Statements whose rows the coordinator makes, and why.
PULLED_FOR_A_REASON = {
    "register_refused": "few rows, and the time of the clock, which Citus lets no node tell",
}

ALLOWED = {ONE_TENANT: OF_ALL, PULLED: PULLED_FOR_A_REASON}

_FIRST_ON_CLUSTERS = 16

PLANTED = {
    "all tenants": (
        "select 1 from balances where player_id = 'a'",
        Fault("planted", ONE_TENANT, "balances"),
    ),
    "a join that leaves the tenant open": (
        "select 1 from players p join balances b on b.player_id = p.player_id where p.tenant_id = :tenant_id",
        Fault("planted", ONE_TENANT, "balances"),
    ),
    "a tenant that is not the one asked for": (
        "select 1 from balances where tenant_id = :generation and generation = :tenant_id",
        Fault("planted", ONE_TENANT, "balances"),
    ),
    "a tenant among alternatives": (
        "select 1 from balances where tenant_id = :tenant_id or generation = 1",
        Fault("planted", ONE_TENANT, "balances"),
    ),
    "a query within another": (
        "select 1 from balances where tenant_id = :tenant_id and exists (select from rounds)",
        Fault("planted", ONE_TENANT, "rounds"),
    ),
    "a delete": (
        "delete from balances where generation = 1",
        Fault("planted", ONE_TENANT, "balances"),
    ),
    "an update": ("update balances set bets = 0", Fault("planted", ONE_TENANT, "balances")),
    "an insert of no tenant": (
        "insert into balances (generation) values (1)",
        Fault("planted", NAMED_TENANT, "balances"),
    ),
    "a copy of no tenant": (
        "copy balances (generation) from stdin",
        Fault("planted", NAMED_TENANT, "balances"),
    ),
    "a conflict over tenants": (
        "insert into balances (tenant_id) values (1) on conflict (player_id) do nothing",
        Fault("planted", CONFLICT, "balances"),
    ),
    "rows of arrays alone": (
        "insert into balances (tenant_id, bets) select :tenant_id, n from unnest(:bets::bigint[]) as n",
        Fault("planted", PULLED, "balances"),
    ),
    "another tenant": (
        "update balances set tenant_id = 2 where tenant_id = :tenant_id",
        Fault("planted", SET_TENANT, "balances"),
    ),
    "a lock of a row that every node has": (
        "select 1 from tenants where tenant_id = :tenant_id for update",
        Fault("planted", ROW_LOCK, "tenants"),
    ),
    "the clock in what a conflict sets": (
        (
            "insert into tracking (tenant_id) values (:tenant_id) on conflict (tenant_id, generation)"
            " do update set updated_at = clock_timestamp()"
        ),
        Fault("planted", UNSTABLE, "tracking"),
    ),
    "a random value in an update": (
        "update conflicts set content_hash = uuid_send(gen_random_uuid()) where tenant_id = :tenant_id",
        Fault("planted", UNSTABLE, "conflicts"),
    ),
    "the clock in what tells what is deleted": (
        "delete from balances where tenant_id = :tenant_id and updated_at < clock_timestamp()",
        Fault("planted", UNSTABLE, "balances"),
    ),
    "a query within another that names the tenant by that one": (
        (
            "select (select max(position) from events where tenant_id = b.tenant_id) from balances b"
            " where b.tenant_id = :tenant_id"
        ),
        Fault("planted", BY_PARAMETER, "events"),
    ),
    "a join with what has no FROM": (
        (
            "select 1 from balances b cross join lateral (select b.bets) as more"
            " where b.tenant_id = :tenant_id"
        ),
        Fault("planted", EMPTY_FROM, "balances"),
    ),
    "a function of ours joined with a table of tenants": (
        (
            "select 1 from keys_of(:tenant_id) k join key_uses u"
            " on u.tenant_id = :tenant_id and u.key_id = k.key_id"
        ),
        Fault("planted", FUNCTION_JOIN, "key_uses"),
    ),
    "a union of two looks at all": (
        "(select tenant_id from leaf_runs limit 1) union all (select tenant_id from accesses)",
        Fault("planted", ONE_QUERY, "leaf_runs"),
    ),
    "the snapshot beside rows": (
        "select 1 from leaf_runs where tenant_id = :tenant_id and xid = pg_current_xact_id()",
        Fault("planted", SNAPSHOT, "leaf_runs"),
    ),
}


def test_every_statement_can_run_where_tables_are_distributed() -> None:
    assert faults(SRC, ALLOWED) == []


def test_what_is_about_all_tenants_is_so() -> None:
    found = {fault.statement for fault in faults(SRC, {}) if fault.rule == ONE_TENANT}
    assert found <= set(OF_ALL)


@pytest.mark.parametrize("way", PLANTED)
def test_a_statement_that_can_not_is_found(way: str, tmp_path: Path) -> None:
    text, fault = PLANTED[way]
    copy = tmp_path / "src"
    shutil.copytree(SRC / "app" / "migrations", copy / "app" / "migrations")
    shutil.copytree(SRC / "projections" / "migrations", copy / "projections" / "migrations")
    parameters = ", ".join(dict.fromkeys(re.findall(r"(?<!:):(\w+)", text)))
    (copy / "planted.sql").write_text(f"-- name: planted({parameters})\n{text};\n")
    assert fault in faults(copy, ALLOWED)


def test_no_step_since_there_are_clusters_has_a_bare_select() -> None:
    """There a step is the body of a DO, so that each statement has a text of its own."""
    for step in SCHEMA.migrations():
        if step.number > _FIRST_ON_CLUSTERS:
            kinds = {type(raw.stmt) for raw in parse_sql(step.statements)}
            assert ast.SelectStmt not in kinds, step.name


def test_every_primary_key_and_unique_index_begins_with_the_tenant(database: Database) -> None:
    """Citus distributes no table with one that does not hold it, and a tenant's rows are found by it."""
    with connect(database.owner_url) as connection:
        found = connection.execute(
            "select c.relname, i.indexrelid::regclass::text"
            " from pg_index i join pg_class c on c.oid = i.indrelid"
            " left join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
            " where c.relnamespace = 'roundbook'::regnamespace and i.indisunique"
            " and i.indkey[0] is distinct from a.attnum"
        ).fetchall()
    assert [index for table, index in found if table not in {*SCHEMA.shared, "migrations"}] == []


def test_every_table_has_a_tenant_or_is_named_as_one_that_every_node_has(
    database: Database,
) -> None:
    with connect(database.owner_url) as connection:
        found = connection.execute(
            "select c.relname::text from pg_class c where c.relnamespace = 'roundbook'::regnamespace"
            " and c.relkind in ('r', 'p') and not exists (select from pg_attribute a"
            " where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)"
        ).fetchall()
    assert {table for (table,) in found} <= {*SCHEMA.shared, "migrations"}
    assert set(SCHEMA.shared) <= known_tables(SRC)
