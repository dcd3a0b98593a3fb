"""Removing a tenant: all that is kept of it goes, but for a record that it was there, and what was sealed."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import sql

from app.tenants import Tenant, TenantError, list_keys, revoke_key
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Removing, and the record of it."""

    remove_tenant: Statement
    tables_of_tenants: Statement
    list_removed: Statement
    tables_to_look_into: Statement
    since_revoked_s: Statement


SQL = Sql(__file__)

_ROWS_AT_ONCE = 10_000


class Removed(Struct, frozen=True):
    """The record of a tenant that was removed: its last position, and how many events were `sealed`.

    `log_ids` are those of its logs, the last one last.
    """

    tenant_id: int
    name: str
    created_at: datetime
    last_position: int
    reason: str
    by: str
    removed_at: datetime
    log_ids: list[bytes]
    sealed: int


def revoke_keys(connection: Connection, tenant: Tenant) -> float | None:
    """Revoke all keys of a tenant for good; gives since when none is valid, in seconds, None if it had none.

    By the clock of the database, which the time of revoking is of.
    """
    for key in list_keys(connection, tenant):
        if key.revoked_at is None:
            revoke_key(connection, key.key_id)
    row = {"tenant_id": tenant.tenant_id}
    return fetch_one(connection, SQL.since_revoked_s, row, float)


def begin_removal(owner: Connection, tenant: Tenant, *, reason: str, by: str) -> Removed:
    """Put on record that a closed tenant is removed, and take it away from everybody; its rows are left.

    One transaction, which waits for who records, seals or projects it. Its keys must not be trusted any more
    by anybody. Raises TenantError where it is open, or a player of it is on hold, and
    psycopg.errors.InsufficientPrivilege for another role than the owner of the schema.
    """
    row = {"tenant_id": tenant.tenant_id, "reason": reason, "by": by}
    try:
        owner.execute(SQL.remove_tenant.sql, row)
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        why = f"{error.diag.message_primary}; nothing was removed"
        raise TenantError(f"tenant {tenant.name!r} can't be removed: {why}") from None
    return next(each for each in list_removed(owner) if each.tenant_id == tenant.tenant_id)


def remove_rows(owner: Connection, removed: Removed, report: Callable[[int], None]) -> None:
    """Remove the rows of a tenant whose removal was begun, some at a time, each time durably.

    To be called again where it was broken off. Raises psycopg.Error.
    """
    tables = fetch_all(owner, SQL.tables_of_tenants, None, str)
    # Once more: who was at work may have left something after the first look.
    while sum(_remove_from(owner, table, removed.tenant_id, report) for table in tables):
        continue


def _remove_from(
    owner: Connection, table: str, tenant_id: int, report: Callable[[int], None]
) -> int:
    """Remove the rows that a table has; gives how many.

    Where they are is found once: who looked for some of them again and again would go over all that are gone.
    """
    name = sql.Identifier("roundbook", table)
    delete = sql.SQL("delete from {} where tenant_id = %s and ctid = any(%s::tid[])").format(name)
    went = 0
    with owner.cursor("rows_to_remove", withhold=True) as rows:
        rows.execute(sql.SQL("select ctid from {} where tenant_id = %s").format(name), [tenant_id])
        while found := rows.fetchmany(_ROWS_AT_ONCE):
            some = owner.execute(delete, [tenant_id, [ctid for (ctid,) in found]]).rowcount
            report(some)
            went += some
    return went


def remove_key_files(folder: Path, log_ids: list[bytes]) -> list[Path]:
    """Remove the keys that signed these logs, and what was last signed by them; gives what was removed.

    Raises OSError.
    """
    files = key_files(folder, log_ids)
    for file in files:
        file.unlink()
    return files


def key_files(folder: Path, log_ids: list[bytes]) -> list[Path]:
    """List the files of the keys that sign these logs. Raises OSError."""
    return [file for log_id in log_ids for file in sorted(folder.glob(f"{log_id.hex()}.*"))]


def list_removed(connection: Connection) -> list[Removed]:
    """List the tenants that were removed, the first one first."""
    return fetch_all(connection, SQL.list_removed, None, Removed)


def list_unfinished(connection: Connection) -> list[Removed]:
    """List the tenants on record as removed of which there are rows still. Raises psycopg.Error.

    Into tables that the role may not read it does not look.
    """
    tables = fetch_all(connection, SQL.tables_to_look_into, None, str)
    has_rows = sql.SQL(" or ").join(
        sql.SQL("exists (select from {} where tenant_id = %(tenant_id)s)").format(
            sql.Identifier("roundbook", table)
        )
        for table in tables
    )
    query = sql.SQL("select {}").format(has_rows)
    return [
        each
        for each in list_removed(connection)
        if connection.execute(query, {"tenant_id": each.tenant_id}).fetchone() == (True,)
    ]
