"""`roundbook tenant close`, `reopen`, `export` and `remove`: how a tenant ends."""

import time
from pathlib import Path

import click

from api.cli.texts import Text
from api.process.store import open_as_owner, open_service
from app.lives.closing import set_closed
from app.lives.export import Export
from app.lives.removing import (
    Removed,
    begin_removal,
    key_files,
    list_removed,
    list_unfinished,
    remove_key_files,
    remove_rows,
    revoke_keys,
)
from app.log.holds import list_holds
from app.relay.secrets import Secrets
from app.settings import Settings, read_settings
from app.tenants import Tenant, TenantError, find_tenant, list_tenants
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
    (ROUNDBOOK_OWNER_URL). What was broken off goes on when it is run again, also where another tenant has the
    name by then: that one is left as it is, until the command is run once more.

    Prints the name, the last position, how much was sealed, and the ids of the logs; tab-separated.
    """
    settings = read_settings()
    with open_as_owner(settings) as store, connect(store.owner_url) as owner:
        tenant = _to_remove(owner, name, settings.signing_path)
        if confirm is None:
            of = name if isinstance(tenant, Tenant) else f"{name}, whose removal was begun,"
            confirm = click.prompt(f"All of {of} is removed for good. Its name again", err=True)
        if confirm != name:
            raise click.UsageError(f"{confirm!r} is not {name!r}; nothing was removed")
        if isinstance(tenant, Tenant):
            by = by or owner.info.user
            _remove(owner, [_begin(owner, tenant, reason=reason, by=by)], settings)
            return
        _remove(owner, tenant, settings)
        if any(each.name == name for each in list_tenants(owner)):
            click.echo(
                f"that was what was left of one removed before; the tenant {name} that is there now is as it"
                " was: run it again to remove that one",
                err=True,
            )


def _to_remove(owner: Connection, name: str, keys: Path) -> Tenant | list[Removed]:
    """Find those whose removal was begun and is not done; else a closed tenant, else those that are removed.

    One at a time: who finishes a removal need not know that another tenant has the name by now. Raises
    TenantError.
    """
    removed = [each for each in list_removed(owner) if each.name == name]
    unfinished = {each.tenant_id for each in list_unfinished(owner)} if removed else set()
    begun = [
        each for each in removed if each.tenant_id in unfinished or key_files(keys, each.log_ids)
    ]
    if begun:
        return begun
    try:
        tenant = find_tenant(owner, name)
    except TenantError:
        if not removed:
            raise
        return removed
    if tenant.closed_at is None:
        raise TenantError(f"tenant {name!r} is open: close it first, by `roundbook tenant close`")
    if held := list_holds(owner, tenant.tenant_id):
        raise TenantError(
            f"tenant {name!r} has players on hold, {len(held)} of them: see `roundbook hold --list`;"
            " nothing was removed"
        )
    return tenant


def _begin(owner: Connection, tenant: Tenant, *, reason: str, by: str) -> Removed:
    """Revoke a tenant's keys, wait until no process trusts one of them, and put the removal on record."""
    since_s = revoke_keys(owner, tenant)
    if since_s is not None and since_s < _TRUSTED_S:
        click.echo("its keys are revoked; waiting 10 s, until nobody trusts them", err=True)
        time.sleep(_TRUSTED_S)
    try:
        return begin_removal(owner, tenant, reason=reason, by=by)
    except TenantError as error:
        raise TenantError(
            f"{error} but its keys, which are revoked for good: `roundbook key create` makes others"
        ) from None


def _remove(owner: Connection, tenants: list[Removed], settings: Settings) -> None:
    """Remove the rows and files of tenants that are on record as removed, and tell of each."""
    for tenant in tenants:
        rows: list[int] = []
        remove_rows(owner, tenant, rows.append)
        files = remove_key_files(settings.signing_path, tenant.log_ids)
        if all(each.name != tenant.name for each in list_tenants(owner)):
            Secrets(settings.webhook_path).remove_all(tenant.name)
        logs = [log_id.hex() for log_id in tenant.log_ids]
        click.echo(f"{tenant.name}\t{tenant.last_position}\t{tenant.sealed}\t{','.join(logs)}")
        told = f"removed: {sum(rows)} rows, {len(files)} files of {settings.signing_path}"
        click.echo(told, err=True)
        if not files:
            names = ", ".join(f"{log_id}.*" for log_id in logs)
            where = f"where logs are sealed, remove from the folder of the keys: {names}"
            click.echo(where, err=True)
