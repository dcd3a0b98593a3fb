"""`roundbook tenant`: whose events are kept."""

from base64 import b64decode

import click

from api.process.store import connect_service
from api.tenancy import create_tenant
from app.evidence.log_keys import adopt_key, begin_signing
from app.log.leaves import Log, current_log
from app.settings import Settings, read_settings
from app.tenants import allow_currency, list_tenants
from domain.evidence.notes import KEY_BYTES, VerifierKey
from domain.instant import format_instant
from postgres.connections import Connection


@click.group()
def tenant() -> None:
    """Create and list tenants, and the currencies they may send."""


def _public_key(
    _context: click.Context, _option: click.Parameter, encoded: str | None
) -> bytes | None:
    """Read what a key is given as."""
    try:
        key = None if encoded is None else b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if key is not None and len(key) != KEY_BYTES:
        raise click.BadParameter(f"{encoded!r} is not 32 bytes in base64")
    return key


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
@click.option(
    "--public-key",
    callback=_public_key,
    metavar="BASE64",
    help="Where ROUNDBOOK_SIGN_COMMAND signs: the 32 bytes of its Ed25519 key's public half.",
)
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
