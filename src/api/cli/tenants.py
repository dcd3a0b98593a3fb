"""`roundbook tenant`: whose events are kept."""

import click

from api.cli.evidence_keys import public_key_option
from api.cli.rate_limits import limit, limits
from api.process.store import connect_service
from api.tenancy import create_tenant
from app.evidence.log_keys import adopt_key, begin_signing
from app.log.leaves import Log, current_log
from app.settings import Settings, read_settings
from app.tenants import allow_currency, list_tenants
from domain.evidence.notes import VerifierKey
from domain.instant import format_instant
from postgres.connections import Connection


@click.group()
def tenant() -> None:
    """Create and list tenants, the currencies they may send, and how much."""


tenant.add_command(limit)
tenant.add_command(limits)


def _begin_signing(
    connection: Connection, log: Log, settings: Settings, public_key: bytes | None
) -> VerifierKey | None:
    if public_key is not None:
        return adopt_key(connection, log, settings, public_key)
    if settings.sign_command is not None:
        click.echo(
            "nothing is signed yet: name the public key of ROUNDBOOK_SIGN_COMMAND by"
            " `roundbook evidence add-key`",
            err=True,
        )
        return None
    return begin_signing(connection, log, settings)


@tenant.command()
@click.argument("name")
@click.option(
    "--currency",
    "currencies",
    multiple=True,
    metavar="CODE",
    help="A code beyond ISO 4217, as BTC.",
)
@public_key_option
def create(name: str, currencies: tuple[str, ...], public_key: bytes | None) -> None:
    """Create a tenant, and the key that signs its log.

    Prints the tenant's name, then the public key by which others verify what is signed: give it to the
    auditor now.
    """
    settings = read_settings()
    with connect_service(settings) as connection, connection.transaction():
        created = create_tenant(connection, name, currencies)
        log = current_log(connection, created.tenant_id)
        vkey = None if log is None else _begin_signing(connection, log, settings, public_key)
    click.echo(created.name)
    if vkey is not None:
        click.echo(vkey)


@tenant.command("list")
def list_() -> None:
    """List the tenants: name, time of creation, currencies beyond ISO 4217; tab-separated."""
    with connect_service(read_settings()) as connection:
        tenants = list_tenants(connection)
    for known in tenants:
        click.echo(
            f"{known.name}\t{format_instant(known.created_at)}\t{','.join(known.currencies)}"
        )
    if not tenants:
        click.echo("there are no tenants", err=True)


@tenant.command("allow-currency")
@click.argument("name")
@click.argument("code")
def allow(name: str, code: str) -> None:
    """Let a tenant send a currency code beyond ISO 4217."""
    with connect_service(read_settings()) as connection:
        is_new = allow_currency(connection, name, code)
    if not is_new:
        click.echo(f"nothing was changed: tenant {name} may send {code} already", err=True)
