"""`roundbook tenant close`, `reopen`, `export` and `remove`: how a tenant ends."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from api.cli.texts import Text
from api.process.store import Store, open_as_owner, open_service
from app.lives.closing import set_closed
from app.lives.export import Export
from app.lives.removing import (
    Removed,
    begin_removal,
    list_removed,
    remove_key_files,
    remove_rows,
)
from app.log.holds import list_holds
from app.settings import read_settings
from app.tenants import Tenant, TenantError, find_tenant, list_keys, revoke_key
from app.whole_files import whole_or_not_there
from postgres.connections import Connection, connect, open_pool

_TRUSTED_S = 10.0
"""How long a key may be trusted after it was revoked."""

_reason = click.option(
    "--reason", required=True, type=Text(), help="Why, as is kept for ever: name nobody."
)
_by = click.option("--by", type=Text(), help="Who says so; by default the role of the database.")


@click.command()
@click.argument("name")
@_reason
@_by
def close(name: str, reason: str, by: str | None) -> None:
    """Close tenant NAME: what it has is read and proven as before, and nothing is recorded any more.

    Clients that send get 403 (tenant-closed). Needs the credential that owns the database
    (ROUNDBOOK_OWNER_URL). `roundbook tenant reopen` takes it back.
    """
    _set_closed(name, reason, by, closed=True)


@click.command()
@click.argument("name")
@_reason
@_by
def reopen(name: str, reason: str, by: str | None) -> None:
    """Let tenant NAME, which was closed, send again; that holds everywhere within 5 seconds.

    Needs the credential that owns the database (ROUNDBOOK_OWNER_URL).
    """
    _set_closed(name, reason, by, closed=False)


def _set_closed(name: str, reason: str, by: str | None, *, closed: bool) -> None:
    with open_as_owner(read_settings()) as store, connect(store.owner_url) as owner:
        by = by or owner.info.user
        if not set_closed(owner, name, closed=closed, reason=reason, by=by):
            state = "closed" if closed else "not closed"
            click.echo(f"nothing was changed: tenant {name} is {state}", err=True)


@click.command()
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(name: str, file: Path) -> None:
    """Write all that is kept of tenant NAME into FILE, a zip: events, what proves them, and the rest.

    FILE must not be there yet. It holds what is personal. Prints the last position that is in it, and how
    much of the log is in the evidence; tab-separated.
    """
    with open_service(read_settings()) as url, open_pool(url, max_size=1) as pool:
        with pool.connection() as connection:
            tenant = find_tenant(connection, name)
        made = Export(pool, tenant)
        with whole_or_not_there(file) as out:
            out.writelines(made.pieces())
    click.echo(f"{made.about.last_position}\t{made.about.sealed}")
    if tenant.closed_at is None:
        click.echo("the tenant is not closed: what is recorded from now on is not in it", err=True)


@click.command()
@click.argument("name")
@_reason
@_by
@click.option("--confirm", metavar="NAME", help="The name again; without it you are asked for it.")
def remove(name: str, reason: str, by: str | None, confirm: str | None) -> None:
    """Remove tenant NAME, which is closed: all its rows, keys, and what signs its log. There is no way back.

    A record of it stays for ever: its name, when, why, by whom, and the newest checkpoint of its log. Export
    it before. Refused while a player of it is on hold. Needs the credential that owns the database
    (ROUNDBOOK_OWNER_URL). What was broken off goes on when it is run again.

    Prints the name, the last position, how much was sealed, and the ids of the logs; tab-separated.
    """
    settings = read_settings()
    with open_as_owner(settings) as store, connect(store.owner_url) as owner:
        tenant = _closed(owner, name)
        if confirm is None:
            confirm = click.prompt(f"All of {name} is removed for good. Its name again", err=True)
        if confirm != name:
            raise click.UsageError(f"{confirm!r} is not {name!r}; nothing was removed")
        if isinstance(tenant, Tenant):
            _wait_for_keys(store, tenant)
            tenant = begin_removal(owner, tenant, reason=reason, by=by or owner.info.user)
        rows = 0

        def count(went: int) -> None:
            nonlocal rows
            rows += went

        remove_rows(owner, tenant, count)
    files = remove_key_files(settings.signing_path, tenant.log_ids)
    logs = [log_id.hex() for log_id in tenant.log_ids]
    click.echo(f"{tenant.name}\t{tenant.last_position}\t{tenant.sealed}\t{','.join(logs)}")
    click.echo(f"removed: {rows} rows, {len(files)} files of {settings.signing_path}", err=True)
    if not files:
        names = ", ".join(f"{log_id}.*" for log_id in logs)
        click.echo(f"where logs are sealed, remove from the folder of the keys: {names}", err=True)


def _closed(owner: Connection, name: str) -> Tenant | Removed:
    """Find a closed tenant, or the record of one whose removal may not be done yet. Raises TenantError."""
    try:
        tenant = find_tenant(owner, name)
    except TenantError:
        removed = [each for each in list_removed(owner) if each.name == name]
        if not removed:
            raise
        return removed[-1]
    if tenant.closed_at is None:
        raise TenantError(f"tenant {name!r} is open: close it first, by `roundbook tenant close`")
    if held := list_holds(owner, tenant.tenant_id):
        raise TenantError(
            f"tenant {name!r} has players on hold, {len(held)} of them: see `roundbook hold --list`;"
            " nothing was removed"
        )
    return tenant


def _wait_for_keys(store: Store, tenant: Tenant) -> None:
    """Revoke a tenant's keys, and wait until no process trusts one of them."""
    with connect(store.service_url) as connection:
        keys = list_keys(connection, tenant)
        now = datetime.now(UTC)
        for key in keys:
            if key.is_valid(now):
                revoke_key(connection, key.key_id)
        ended = [key.revoked_at or key.expires_at or now for key in list_keys(connection, tenant)]
        since_s = min(((now - each).total_seconds() for each in ended), default=_TRUSTED_S)
    if since_s < _TRUSTED_S:
        click.echo("waiting 10 s, until nobody trusts its keys any more", err=True)
        time.sleep(_TRUSTED_S)
