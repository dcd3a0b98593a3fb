"""Databases on a Citus cluster that is there: TEST_CLUSTER_URL is a superuser's URL of its coordinator.

The database that it names knows the nodes; each database for tests is made on all of them.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from postgres.connections import Connection

VARIABLE = "TEST_CLUSTER_URL"

_ROLES_LOCK = 0x6E6F6465

_SHARDS = 8
"""Of each table: several on each node, and not more, as each database for tests has the files of all."""

_OWN_SERVERS = "starts PostgreSQL servers of its own"
_THE_SAME = "is the same on any server"

_EXPLAINS = "reads plans, which Citus tells as text alone, and those of the coordinator beside them"
_UPGRADES = "begins with an older schema than any cluster has (tests/cluster begins with the first one there)"
_REFUSED_OTHERWISE = (
    "Citus refuses the statement itself, or it goes to no shard; nothing is changed"
)
_STABLE = "changes rows by a function of their columns that Citus takes in no UPDATE"
_OF_COPY = "Citus reports whatever ends a COPY on a node as an internal error"

_OWNER = "tests/log/test_append_only.py::test_even_the_owner_is_refused_by_the_trigger"
_ERASED = "tests/erasure/test_wall.py::test_what_was_erased_or_held_stays_known"
_SERVICE = "tests/log/test_append_only.py::test_the_service_can_not_change_what_is_recorded"

_BALANCES = "tests/queries/test_balance_history.py"

_CREDENTIAL = (
    "tests/log/test_service_credential.py"
    "::test_what_a_service_does_not_do_is_refused_to_its_credential"
)
_SERVICE_INSERTS = "the role that serves may insert that itself there (docs/adr/0022-clusters.md)"

# By how the names of tests begin.
NOT_ON_CLUSTERS = {
    "tests/backup/": "backups of a cluster are its nodes' own (docs/scaling.md)",
    "tests/client/test_kills.py": _OWN_SERVERS,
    "tests/database/": "starts PostgreSQL servers and poolers of its own, or is about the settings of one",
    "tests/docs/": _THE_SAME,
    "tests/documentation/": _THE_SAME,
    "tests/domain/": _THE_SAME,
    "tests/embedded/": _OWN_SERVERS,
    "tests/faults/test_full_disk.py": _OWN_SERVERS,
    "tests/faults/test_full_temporary_folder.py": _THE_SAME,
    "tests/faults/test_killed_database.py": _OWN_SERVERS,
    "tests/faults/test_out_of_resources.py": _THE_SAME,
    "tests/faults/test_small_memory.py": _OWN_SERVERS,
    "tests/limits/test_migrated.py": _UPGRADES,
    "tests/evidence/test_any_change.py": (
        "changes any column, the tenant among them, of rows by where they are on the disk: Citus refuses"
        " both (tests/evidence/test_tampering.py changes much of it there)"
    ),
    "tests/evidence/test_followed_logs.py::test_what_was_lost_is_told": _STABLE,
    "tests/evidence/test_leaves.py::test_a_tenant_of_an_older_version": _UPGRADES,
    "tests/evidence/test_reading_little.py": _EXPLAINS,
    "tests/evidence/test_tampering.py::test_a_new_log_is_not_yet": _STABLE,
    "tests/evidence/test_tampering.py::test_an_altered_time": _STABLE,
    "tests/evidence/test_tampering.py::test_in_a_long_log": _STABLE,
    "tests/lives/test_migrated.py": _UPGRADES,
    "tests/evidence/test_migrated.py": _UPGRADES,
    f"{_ERASED}[delete from {{table}} where false": _REFUSED_OTHERWISE,
    f"{_ERASED}[update {{table}} set tenant_id = tenant_id where false": _REFUSED_OTHERWISE,
    f"{_OWNER}[merge": _REFUSED_OTHERWISE,
    f"{_OWNER}[update of no": _REFUSED_OTHERWISE,
    f"{_SERVICE}[lock": _REFUSED_OTHERWISE,
    f"{_SERVICE}[merge": _REFUSED_OTHERWISE,
    f"{_SERVICE}[upsert": _REFUSED_OTHERWISE,
    "tests/log/test_conformance.py::TestTenantLog::test_insert_select": _OF_COPY,
    f"{_CREDENTIAL}[begin a log with the id of another": _SERVICE_INSERTS,
    f"{_CREDENTIAL}[insert a conflict": _SERVICE_INSERTS,
    f"{_CREDENTIAL}[insert a log": _SERVICE_INSERTS,
    f"{_CREDENTIAL}[insert leaf hashes": _SERVICE_INSERTS,
    "tests/log/test_histories.py::test_a_log_of_the_version_before": _UPGRADES,
    "tests/log/test_histories.py::test_what_is_written_elsewhere": (
        "an append begins no other history there (docs/adr/0022-clusters.md, tests/cluster/test_elsewhere.py)"
    ),
    "tests/log/test_migrations.py": (
        "has steps that no cluster takes (a key without a tenant, a bare SELECT), and compares catalogues to"
        " which Citus adds"
    ),
    "tests/log/test_older_code.py": _UPGRADES,
    "tests/log/test_older_hosts.py": _UPGRADES,
    "tests/log/test_plans.py": _EXPLAINS,
    "tests/many/test_migrated.py": _UPGRADES,
    "tests/project/": _THE_SAME,
    f"{_BALANCES}::test_among_too_much_in_ten_minutes_hardly_an_event": _EXPLAINS,
    f"{_BALANCES}::test_much_that_moved_costs_no_more": _EXPLAINS,
    f"{_BALANCES}::test_too_much_in_the_only_ten_minutes_is_told_without": _EXPLAINS,
    f"{_BALANCES}::test_what_moved_in_ten_minutes_is_read_once": _EXPLAINS,
    "tests/queries/test_plans.py": _EXPLAINS,
    "tests/relay/test_migrated.py": _UPGRADES,
    "tests/rooms/": _THE_SAME,
    "tests/simulation/": _THE_SAME,
    "tests/upgrades/": _UPGRADES,
    "tests/wire/": _THE_SAME,
    "verifier/": _THE_SAME,
}


class Node(NamedTuple):
    """A node, by how the others reach it."""

    host: str
    port: int


def is_given() -> bool:
    """Return whether this run is on a cluster."""
    return VARIABLE in os.environ


def why_not(test: str) -> str | None:
    """Return why a test is not run on a cluster, None where it is."""
    found = [reason for begins, reason in NOT_ON_CLUSTERS.items() if test.startswith(begins)]
    return found[0] if found else None


def of_copy(*errors: type[psycopg.Error]) -> tuple[type[psycopg.Error], ...]:
    """Return how a COPY is refused: Citus reports whatever ends one on a node as an internal error."""
    return (*errors, psycopg.errors.InternalError_) if is_given() else errors


def set_everywhere(connection: Connection, name: str, value: str) -> None:
    """Set something for a transaction, on a cluster also in its sessions on the nodes."""
    if is_given():
        connection.execute("set local citus.propagate_set_commands = 'local'")
    setting = sql.SQL("set local {} = {}")
    connection.execute(setting.format(sql.Identifier(name), sql.Literal(value)))


def workers(admin_url: str) -> list[Node]:
    """List the nodes that have shards."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        found = admin.execute(
            "select nodename, nodeport from pg_dist_node where groupid > 0 order by nodeport"
        ).fetchall()
    return [Node(host, port) for host, port in found]


def every_node(url: str) -> list[str]:
    """Return the URLs of a database on each node; without a cluster the one that is given."""
    return [url, *(at(url, node) for node in workers(url))] if is_given() else [url]


def at(admin_url: str, node: Node, database: str | None = None) -> str:
    """Return the same URL of another node, maybe of another database."""
    parts = urlsplit(admin_url)
    user = parts.netloc.rpartition("@")[0]
    path = parts.path if database is None else f"/{database}"
    return urlunsplit(parts._replace(netloc=f"{user}@{node.host}:{node.port}", path=path))


@contextmanager
def _everywhere(admin_url: str) -> Iterator[list[psycopg.Connection]]:
    urls = [admin_url, *(at(admin_url, node) for node in workers(admin_url))]
    with ExitStack() as stack:
        yield [stack.enter_context(psycopg.connect(url, autocommit=True)) for url in urls]


def open_walls(admin_url: str, database: str) -> None:
    """Let no trigger fire on the nodes for a superuser: a session sets it on the coordinator alone."""
    change = sql.SQL(
        "alter role current_user in database {} set session_replication_role = replica"
    )
    for node in workers(admin_url) if is_given() else []:
        with psycopg.connect(at(admin_url, node), autocommit=True) as admin:
            admin.execute(change.format(sql.Identifier(database)))


def create(admin_url: str, name: str, owner: str, service: str, template: str | None) -> None:
    """Create a database on every node: a copy of one of them, or an empty one that knows nodes and roles."""
    statement = sql.SQL("create database {} owner {} template {}").format(
        sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template or "template1")
    )
    temporary = sql.SQL("revoke temporary on database {} from public").format(sql.Identifier(name))
    with _everywhere(admin_url) as nodes:
        with _left_alone(nodes, template) if template else nullcontext():
            for node in nodes:
                node.execute(statement)
                node.execute(temporary)
        if template:
            # For tests that change what is recorded: without it, no owner can switch triggers off.
            unsafe = sql.SQL("alter role {} in database {} set citus.enable_unsafe_triggers to on")
            nodes[0].execute(unsafe.format(sql.Identifier(owner), sql.Identifier(name)))
        else:
            # Test runs share the roles, which Citus changes as nodes get to know each other.
            nodes[0].execute("select pg_advisory_lock(%s)", [_ROLES_LOCK])
            _introduce(admin_url, name, owner, service)


@contextmanager
def _left_alone(nodes: list[psycopg.Connection], database: str) -> Iterator[None]:
    """Keep everybody out of a database on all nodes: Citus keeps sessions of its own there."""
    allow = "alter database {} allow_connections {}"
    end = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s"
    for node in nodes:
        node.execute(sql.SQL(allow).format(sql.Identifier(database), sql.SQL("false")))
    try:
        for node in nodes:
            node.execute(end, [database])
        yield
    finally:
        for node in nodes:
            node.execute(sql.SQL(allow).format(sql.Identifier(database), sql.SQL("true")))


def _introduce(admin_url: str, name: str, owner: str, service: str) -> None:
    """Make the nodes known to each other in an empty database, and the roles in it."""
    itself = urlsplit(admin_url)
    coordinator = Node(itself.hostname or "127.0.0.1", itself.port or 5432)
    others = workers(admin_url)
    for each in (coordinator, *others):
        with psycopg.connect(at(admin_url, each, name), autocommit=True) as admin:
            admin.execute("create extension citus")
    with psycopg.connect(at(admin_url, coordinator, name), autocommit=True) as admin:
        few = sql.SQL("alter database {} set citus.shard_count to {}")
        admin.execute(few.format(sql.Identifier(name), sql.Literal(_SHARDS)))
        admin.execute("select citus_set_coordinator_host(%s, %s)", list(coordinator))
        for each in others:
            admin.execute("select citus_add_node(%s, %s)", list(each))
        # Roles become known to the nodes of a database with what a superuser does with them there.
        names = sql.Identifier(owner), sql.Identifier(service)
        admin.execute(sql.SQL("create schema roundbook authorization {}").format(names[0]))
        admin.execute(sql.SQL("grant usage on schema roundbook to {}").format(names[1]))


def drop(admin_url: str, name: str) -> None:
    """Drop a database on every node, whoever uses it."""
    statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    with _everywhere(admin_url) as nodes:
        for node in nodes:
            node.execute(statement)
