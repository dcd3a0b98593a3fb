"""`roundbook key`: who may speak for a tenant."""

from datetime import UTC, datetime, timedelta

import click
from msgspec import structs

from api.cli.moment import Moment
from api.process.store import connect_service
from app.limits.limits import list_limits, set_limit
from app.lives.rotating import rotate_key
from app.settings import read_settings
from app.tenants import SCOPES, Key, Scope, create_key, find_tenant, list_keys, revoke_key
from domain.instant import Instant, format_instant

_LONGEST_OVERLAP_HOURS = 24 * 366


@click.group()
def key() -> None:
    """Create, list, rotate and revoke API keys."""


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
    """List a tenant's keys: id, state, scopes, creation, expiry, label, last use; tab-separated, newest last.

    The last use is noted once a minute at most, and empty of a key that was never used.
    """
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


@key.command()
@click.argument("key_id", type=int)
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, _LONGEST_OVERLAP_HOURS),
    default=24.0,
    show_default=True,
    help="How long the key goes on beside the one that takes its place.",
)
def rotate(key_id: int, overlap_hours: float) -> None:
    """Create a key in the place of another, and print it alone, once; that one ends after the overlap.

    It has the same scopes, label and rate limit. One that was to expire is followed by one that lasts as
    long.
    """
    with connect_service(read_settings()) as connection, connection.transaction():
        rotated = rotate_key(connection, key_id, overlap=timedelta(hours=overlap_hours))
        tenant_id, new_id = rotated.tenant.tenant_id, rotated.made.key_id
        for limit in list_limits(connection, tenant_id):
            if limit.key_id == key_id:
                set_limit(connection, tenant_id, structs.replace(limit, key_id=new_id))
    click.echo(rotated.made.key)
    click.echo(f"key {key_id} ends at {format_instant(rotated.ends_at)}", err=True)


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
            format_instant(known.last_used_at) if known.last_used_at else "",
        )
    )
