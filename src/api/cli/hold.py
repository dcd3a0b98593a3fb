"""`roundbook hold`: players of whom nothing may be erased."""

import click

from api.cli.ids import IdType
from api.cli.texts import Text
from api.process.store import open_as_owner
from app.log.holds import list_holds, new_hold, set_hold
from app.settings import read_settings
from app.tenants import find_tenant
from domain.instant import format_instant
from postgres.connections import connect


@click.command("hold")
@click.argument("tenant")
@click.argument("player", type=IdType(), required=False)
@click.option("--reason", type=Text(), help="Why, as is kept for ever: name nobody.")
@click.option("--by", type=Text(), help="Who says so; by default the role of the database.")
@click.option("--release", is_flag=True, help="End the hold.")
@click.option("--list", "listed", is_flag=True, help="List the players on hold instead.")
def hold_command(
    tenant: str,
    player: str | None,
    reason: str | None,
    by: str | None,
    *,
    release: bool,
    listed: bool,
) -> None:
    """Put PLAYER of TENANT on hold, so that `roundbook erase` is refused, or end that with --release.

    Each is recorded with its --reason, and never deleted. With --list the players on hold are listed:
    id, since when, by whom, why; tab-separated. Needs the credential that owns the database
    (ROUNDBOOK_OWNER_URL).
    """
    if listed:
        if player is not None or reason is not None or by is not None or release:
            raise click.UsageError("--list takes no player and no other option")
    elif player is None or reason is None:
        raise click.UsageError("a player and a --reason are needed, or --list")
    with open_as_owner(read_settings()) as store, connect(store.owner_url) as connection:
        tenant_id = find_tenant(connection, tenant).tenant_id
        if player is None or reason is None:
            held = list_holds(connection, tenant_id)
            for hold in held:
                moment = format_instant(hold.at)
                click.echo(f"{hold.player_id}\t{moment}\t{hold.by}\t{hold.reason}")
            if not held:
                click.echo(f"no player of {tenant} is on hold", err=True)
            return
        hold = new_hold(player, reason, by or connection.info.user)
        if not set_hold(connection, tenant_id, hold, held=not release):
            state = "not on hold" if release else "on hold already"
            click.echo(f"nothing was changed: the player is {state}", err=True)
