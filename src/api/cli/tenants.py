"""`roundbook tenant`: whose events are kept."""

import click

from api.process.store import connect_service
from api.tenancy import create_tenant
from app.settings import read_settings
from app.tenants import allow_currency, list_tenants
from domain.instant import format_instant


@click.group()
def tenant() -> None:
    """Create and list tenants, and the currencies they may send."""


@tenant.command()
@click.argument("name")
@click.option(
    "--currency",
    "currencies",
    multiple=True,
    metavar="CODE",
    help="A code beyond ISO 4217, as BTC.",
)
def create(name: str, currencies: tuple[str, ...]) -> None:
    """Create a tenant."""
    with connect_service(read_settings()) as connection:
        created = create_tenant(connection, name, currencies)
    click.echo(created.name)


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
