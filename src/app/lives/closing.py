"""Closing a tenant: what it has stays readable and provable, and nothing is added to it."""

from app.log.append import locked_log
from app.tenants import find_tenant
from postgres.connections import Connection
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Closing, and opening again."""

    record_closing: Statement


SQL = Sql(__file__)


def set_closed(connection: Connection, name: str, *, closed: bool, reason: str, by: str) -> bool:
    """Close a tenant, or open it again; False if it was so before, and nothing is recorded.

    When this returns, nothing is recorded any more: it waits for who records, under the tenant's lock. Needs
    the credential that owns the schema: psycopg.errors.InsufficientPrivilege for another. Raises
    app.tenants.TenantError where there is no such tenant.
    """
    tenant_id = find_tenant(connection, name).tenant_id
    with locked_log(connection, tenant_id):
        if (find_tenant(connection, name).closed_at is not None) == closed:
            return False
        row = {"tenant_id": tenant_id, "closed": closed, "reason": reason, "by": by}
        connection.execute(SQL.record_closing.sql, row)
    return True
