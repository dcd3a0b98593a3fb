"""Distributing a schema over the nodes of a cluster, where PostgreSQL has the Citus extension.

Each table of tenants goes by `tenant_id`, all beside each other: what is of one tenant is on one node. So a
table that a later step adds needs nothing but that column, first in its primary key. What is of no tenant,
and what is named as shared, every node has whole.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Finding what is not distributed, and distributing it."""

    is_cluster: Statement
    sequentially: Statement
    distributed: Statement
    undistributed: Statement
    triggers: Statement
    share: Statement
    distribute: Statement
    by_node: Statement


SQL = Sql(__file__)

# The steps are read and written by who migrates, on the coordinator.
_LOCAL = ("migrations",)

# SQLSTATE: Class 08, connection exception.
_CONNECTION = "08"

_COPY_REFUSED = "ReportCopyError"

_EVENTS = re.compile(r"TRIGGER \S+ BEFORE .*? ON ")


class _Table(NamedTuple):
    name: str
    is_shared: bool
    is_unlogged: bool


class _Trigger(NamedTuple):
    name: str
    definition: str


def is_cluster(connection: Connection) -> bool:
    """Return whether the database of a session is distributed: it has Citus. Raises psycopg.Error."""
    return bool(fetch_one(connection, SQL.is_cluster, None, bool))


def is_node_away(error: psycopg.Error) -> bool:
    """Return whether a statement failed as a node of a cluster is out of reach.

    A server that is so itself can't say it: then no SQLSTATE comes.
    """
    return (error.sqlstate or "").startswith(_CONNECTION)


def is_copy_refused(error: Exception) -> bool:
    """Return whether a node of a cluster refused what was copied to it, for a reason that it alone knows.

    Citus passes no SQLSTATE on: an internal error stands for a row that is there already as for a full
    disk (https://github.com/citusdata/citus, `ReportCopyError` in multi_copy.c). A node that is out of
    reach is told as that.
    """
    return (
        isinstance(error, psycopg.errors.InternalError_)
        and error.diag.source_function == _COPY_REFUSED
    )


def by_node(connection: Connection, tenant_ids: Iterable[int]) -> list[list[int]]:
    """Return tenants in groups whose rows are on the same node of a cluster. Raises psycopg.Error."""
    return fetch_all(connection, SQL.by_node, {"tenant_ids": list(tenant_ids)}, list)


def begin_changing(owner: Connection) -> None:
    """Let a transaction change tables that are distributed. Raises psycopg.Error."""
    owner.execute(SQL.sequentially.sql)


def one_by_one(statements: str) -> str:
    """Return one statement that runs several, none of which is a bare SELECT, each by its own text.

    Of a text with several Citus sends all to the nodes, for each of them.
    """
    return f"do $one_by_one$ begin {statements}\nend $one_by_one$"


def undistributed(connection: Connection, shared: Sequence[str]) -> list[str]:
    """List the tables that the coordinator alone has. Raises psycopg.Error."""
    return [table.name for table in _undistributed(connection, shared)]


def distribute(owner: Connection, shared: Sequence[str]) -> None:
    """Distribute the tables that are not: those of tenants by tenant, what is `shared` whole to every node.

    What is of no tenant is shared, too. What the tables hold goes along. To be called within a transaction,
    after `begin_changing`. Raises psycopg.Error.
    """
    beside = fetch_one(owner, SQL.distributed, None, str)
    for table in _undistributed(owner, shared):
        named = {"table": table.name}
        name = sql.Identifier("roundbook", table.name)
        if table.is_unlogged:
            # Shards move by logical replication, which has no such ones.
            owner.execute(sql.SQL("alter table {} set logged").format(name))
        # What is moved to the nodes was checked when it was written, and is of many tenants at once.
        triggers = fetch_all(owner, SQL.triggers, named, _Trigger)
        for trigger in triggers:
            drop = sql.SQL("drop trigger {} on {}").format(sql.Identifier(trigger.name), name)
            owner.execute(drop)
        if table.is_shared:
            owner.execute(SQL.share.sql, named)
        else:
            owner.execute(SQL.distribute.sql, named | {"beside": beside or "none"})
            beside = beside or f"roundbook.{table.name}"
        for trigger in triggers:
            for definition in _on_shards(trigger):
                owner.execute(definition.encode())


def _on_shards(trigger: _Trigger) -> list[str]:
    """Write a trigger as two where TRUNCATE is one of several events: Citus leaves such a one off the shards.

    A TRUNCATE comes by the table itself, where the trigger for it is.
    """
    if " OR TRUNCATE " not in trigger.definition:
        return [trigger.definition]
    name = sql.Identifier(f"{trigger.name}_truncate").as_string()
    alone = _EVENTS.sub(f"TRIGGER {name} BEFORE TRUNCATE ON ", trigger.definition, count=1)
    return [trigger.definition.replace(" OR TRUNCATE ", " ", 1), alone]


def _undistributed(connection: Connection, shared: Sequence[str]) -> list[_Table]:
    asked = {"shared": list(shared), "local": list(_LOCAL)}
    return fetch_all(connection, SQL.undistributed, asked, _Table)
