"""A new tenant, and the key that signs its log."""

from collections.abc import Sequence
from typing import NamedTuple

import click

from api.tenancy import create_tenant
from app.evidence.log_keys import begin_signing
from app.log.leaves import current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.notes import VerifierKey
from postgres.connections import Connection


class NewTenant(NamedTuple):
    """A tenant, and the public half of its log's key; None where a command signs and no key is named."""

    tenant: Tenant
    vkey: VerifierKey | None


def make_tenant(
    connection: Connection,
    name: str,
    settings: Settings,
    *,
    currencies: Sequence[str] = (),
    public_key: bytes | None = None,
) -> NewTenant:
    """Make a tenant and its key, or neither; `public_key` is that of a key that is elsewhere.

    Raises app.tenants.TenantError, and what app.evidence.log_keys.begin_signing raises.
    """
    with connection.transaction():
        made = create_tenant(connection, name, currencies)
        if public_key is None and settings.sign_command is not None:
            click.echo(
                "nothing is signed yet: name the public key of ROUNDBOOK_SIGN_COMMAND by"
                " `roundbook evidence add-key`",
                err=True,
            )
            return NewTenant(made, None)
        log = current_log(connection, made.tenant_id)
        assert log is not None  # noqa: S101 (it was made with the tenant)
        return NewTenant(made, begin_signing(connection, log, settings, public_key))
