"""Creating a tenant: on the write side its empty log, on the read side its first read models."""

from collections.abc import Sequence

from app.log.append import begin_log
from app.tenants import Tenant, add_tenant
from postgres.connections import Connection
from projections.tracking import begin


def create_tenant(connection: Connection, name: str, currencies: Sequence[str] = ()) -> Tenant:
    """Create a tenant, on both sides or on none.

    `currencies` are the codes beyond ISO 4217 that it may send. Raises app.tenants.TenantError for a name
    that is taken or unfit, or a currency code that is unfit.
    """
    with connection.transaction():
        tenant = add_tenant(connection, name, currencies)
        begin_log(connection, tenant.tenant_id)
        begin(connection, tenant.tenant_id)
    return tenant
