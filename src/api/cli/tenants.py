"""`roundbook tenant`: whose events are kept."""

import click

from api.cli.evidence_keys import public_key_option
from api.cli.new_tenant import make_tenant
from api.cli.rate_limits import limit, limits
from api.process.store import connect_service
from app.settings import read_settings
from app.tenants import allow_currency, list_tenants
from domain.instant import format_instant


@click.group()
def tenant() -> None:
    """Create and list tenants, the currencies they may send, and how much."""


tenant.add_command(limit)
tenant.add_command(limits)


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
    with connect_service(settings) as connection:
        made = make_tenant(connection, name, settings, currencies=currencies, public_key=public_key)
    click.echo(made.tenant.name)
    if made.vkey is not None:
        click.echo(made.vkey)


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
