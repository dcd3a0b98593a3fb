"""`roundbook key`: who may speak for a tenant."""

from datetime import UTC, datetime

import click

from api.cli.moment import Moment
from api.process.store import connect_service
from app.settings import read_settings
from app.tenants import SCOPES, Key, Scope, create_key, find_tenant, list_keys, revoke_key
from domain.instant import Instant, format_instant


@click.group()
def key() -> None:
    """Create, list and revoke API keys."""


@key.command()
@click.argument("tenant")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES))
@click.option("--expires", type=Moment(), help="When the key ends, as 2027-01-01T00:00:00Z.")
@click.option("--label", default="", help="What the key is for, shown in the list.")
def create(tenant: str, scopes: tuple[Scope, ...], expires: Instant | None, label: str) -> None:
    """Create a key and print it alone, once: only its hash is stored."""
    with connect_service(read_settings()) as connection:
        owner = find_tenant(connection, tenant)
        made = create_key(connection, owner, scopes, label=label, expires_at=expires)
    click.echo(made.key)


@key.command("list")
@click.argument("tenant")
def list_(tenant: str) -> None:
    """List a tenant's keys: id, state, scopes, creation, expiry, label; tab-separated, newest last."""
    now = datetime.now(UTC)
    with connect_service(read_settings()) as connection:
        keys = list_keys(connection, find_tenant(connection, tenant))
    for known in keys:
        click.echo(_line(known, now))
    if not keys:
        click.echo(f"tenant {tenant} has no keys", err=True)


@key.command()
@click.argument("key_id", type=int)
def revoke(key_id: int) -> None:
    """Revoke a key for good: the revocation holds everywhere within 10 seconds.

    Until then a running service may still trust what it last read about the key: for 5 seconds
    (ROUNDBOOK_KEY_CACHE_S), and up to 4 more where a stream is open.
    """
    with connect_service(read_settings()) as connection:
        before = revoke_key(connection, key_id)
    if before is not None:
        moment = format_instant(before)
        click.echo(f"nothing was changed: key {key_id} is revoked since {moment}", err=True)


def _line(known: Key, now: datetime) -> str:
    state = "valid" if known.is_valid(now) else "revoked" if known.revoked_at else "expired"
    expires = format_instant(known.expires_at) if known.expires_at else ""
    return "\t".join(
        (
            str(known.key_id),
            state,
            ",".join(known.scopes),
            format_instant(known.created_at),
            expires,
            " ".join(known.label.split()),
        )
    )
