"""`roundbook tenant`: whose events are kept."""

import click

from api.cli.evidence_keys import public_key_option
from api.cli.gaming_day import set_command
from api.cli.new_tenant import make_tenant
from api.cli.rate_limits import limit, limits
from api.cli.tenant_lives import close, export, remove, reopen
from api.process.store import connect_service
from app.lives.removing import list_removed
from app.settings import read_settings
from app.tenants import allow_currency, disallow_currency, list_tenants
from domain.instant import format_instant
from projections.days import newest_rule


@click.group()
def tenant() -> None:
    """Create and list tenants, the currencies they may send, and how much; close, export and remove them."""


for command in (set_command, limit, limits, close, reopen, export, remove):
    tenant.add_command(command)


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
@click.option("--removed", is_flag=True, help="List the tenants that were removed instead.")
def list_(*, removed: bool) -> None:
    """List the tenants: name, time of creation, currencies, since when closed, time zone, when days begin.

    Tab-separated; the currencies are those beyond ISO 4217.
    With --removed: name, when, last position, how much of it was sealed, ids of its logs, by whom, why.
    """
    if removed:
        _list_removed()
        return
    with connect_service(read_settings()) as connection:
        tenants = list_tenants(connection)
        rules = [newest_rule(connection, known.tenant_id).rule for known in tenants]
    for known, rule in zip(tenants, rules, strict=True):
        columns = (
            known.name,
            format_instant(known.created_at),
            ",".join(known.currencies),
            format_instant(known.closed_at) if known.closed_at else "",
            rule.time_zone,
            rule.starts_at,
        )
        click.echo("\t".join(columns))
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


@tenant.command("disallow-currency")
@click.argument("name")
@click.argument("code")
def disallow(name: str, code: str) -> None:
    """Let a tenant no longer send a currency code beyond ISO 4217; what it sent stays.

    Within 5 seconds items with that code are invalid everywhere (422), those that are sent again too.
    """
    with connect_service(read_settings()) as connection:
        was_allowed = disallow_currency(connection, name, code)
    if not was_allowed:
        click.echo(f"nothing was changed: tenant {name} may not send {code}", err=True)


def _list_removed() -> None:
    with connect_service(read_settings()) as connection:
        removed = list_removed(connection)
    for each in removed:
        logs = ",".join(log_id.hex() for log_id in each.log_ids)
        moment = format_instant(each.removed_at)
        click.echo(
            f"{each.name}\t{moment}\t{each.last_position}\t{each.sealed}\t{logs}\t{each.by}\t{each.reason}"
        )
    if not removed:
        click.echo("no tenant was removed", err=True)
