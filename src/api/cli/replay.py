"""`roundbook replay`: a tenant's history on stdout."""

import sys
from datetime import datetime
from typing import Any, get_args

import click
import msgspec

from api.cli.ids import IdType
from api.cli.moment import Moment
from api.process.store import open_service
from app.log.append import head
from app.log.history import HistoryFilters
from app.log.history_lines import replay
from app.settings import read_settings
from app.tenants import find_tenant
from domain.item_types import EventType
from postgres.connections import open_pool

_POSITION = click.IntRange(0, 2**63 - 1)


@click.command("replay")
@click.argument("tenant")
@click.option("--player", "player_id", type=IdType(), help="The stream of this player alone.")
@click.option("--game", "game_id", type=IdType(), help="The stream of this game alone.")
@click.option("--event", type=click.Choice(get_args(EventType)), help="This type of event alone.")
@click.option("--from", "from", type=Moment(), help="Events that happened then or later.")
@click.option("--to", "to", type=Moment(), help="Events that happened before.")
@click.option("--from-position", type=_POSITION, help="The first position, inclusive.")
@click.option("--to-position", type=_POSITION, help="The last position, inclusive.")
def replay_command(tenant: str, **filters: Any) -> None:
    """Print the history of TENANT as NDJSON, oldest first, up to the head of its log."""
    try:
        asked = msgspec.convert(
            {name: _plain(value) for name, value in filters.items()}, HistoryFilters
        )
        asked.stream()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    found = False
    with (
        open_service(read_settings()) as url,
        open_pool(url, max_size=1, for_queries=True) as pool,
    ):
        with pool.connection() as connection:
            tenant_id = find_tenant(connection, tenant).tenant_id
            last = head(connection, tenant_id)
        for lines in replay(pool, tenant_id, asked):
            found = True
            sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()
    if not found:
        log = f"the log of {tenant}, which ends at position {last}, has no such event"
        if not last:
            log = f"the log of {tenant} is empty"
        click.echo(f"nothing was replayed: {log}", err=True)


def _plain(value: Any) -> Any:
    """Return an Instant as the datetime that it is, which msgspec wants for one."""
    return datetime.fromisoformat(value.isoformat()) if isinstance(value, datetime) else value
