"""`roundbook erase`: what is personal of a player goes, and the log stays provable."""

import threading
from datetime import UTC, date, datetime, time

import click

from api.cli.ids import IdType
from api.cli.texts import Text
from api.process.projecting import open_projector
from api.process.store import open_as_owner
from app.log.erasure import Erased, Why, erase
from app.settings import Settings, read_settings
from app.tenants import find_tenant
from domain.erasure import kept_since
from postgres.connections import connect, open_pool
from projections.engine.catching_up import catch_up
from projections.engine.generations import RebuildError
from projections.engine.rebuild import Rebuild

_PATIENCE_S = 5.0
"""For a rebuild that was killed a moment ago; one that goes on is told of after that."""


class NotFollowedError(RebuildError):
    """The read models could not follow an erasure: they may still show what was erased."""


@click.command("erase")
@click.argument("tenant")
@click.argument("player", type=IdType())
@click.option(
    "--reason",
    required=True,
    type=Text(),
    help="Why, as the log will say for ever: name nobody.",
)
@click.option("--by", type=Text(), help="Who erases; by default the role of the database.")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Erase too what moved money before this day (UTC); it must be older than"
    " ROUNDBOOK_RETENTION_YEARS.",
)
def erase_command(
    tenant: str, player: str, reason: str, by: str | None, before: datetime | None
) -> None:
    """Erase what is personal of PLAYER of TENANT: profile updates and logins, and what was refused of them.

    Needs the credential that owns the database (ROUNDBOOK_OWNER_URL). There is no way back but a backup.
    A record of it is appended to the log, which can be proven as before. With --before the read models
    are made anew.

    Prints the position of the record, and how many events, conflicts, snapshots and, if there were any,
    refused items were erased; tab-separated. A player on hold is refused (see `roundbook hold`).
    """
    settings = read_settings()
    moment = None if before is None else _checked(before.date(), settings)
    with open_as_owner(settings) as store:
        with connect(store.owner_url) as owner:
            tenant_id = find_tenant(owner, tenant).tenant_id
            role = owner.info.user
        with (
            open_pool(store.owner_url, max_size=1, lock_timeout_s=settings.lock_timeout_s) as pool,
            pool.connection() as connection,
        ):
            why = Why(reason, by or role)
            erased = erase(connection, tenant_id, player, why, before=moment)
        _tell(erased)
        _follow(store.service_url, settings, tenant, tenant_id, anew=moment is not None)


def _checked(before: date, settings: Settings) -> datetime:
    """Return the beginning of a day. Raises UsageError if what came before it must still be kept."""
    until = kept_since(datetime.now(UTC).date(), settings.retention_years)
    if before > until:
        raise click.UsageError(
            f"--before {before}: what moves money is kept for {settings.retention_years} years"
            f" (ROUNDBOOK_RETENTION_YEARS), so {until} is the latest; nothing was erased"
        )
    return datetime.combine(before, time(), UTC)


def _tell(erased: Erased) -> None:
    if erased.record_position is not None:
        click.echo(f"record\t{erased.record_position}")
    elif not erased.refused:
        click.echo("nothing was erased: there is nothing that could be", err=True)
        return
    whats = ("events", "conflicts", "snapshots", *(["refused"] if erased.refused else []))
    for what in whats:
        click.echo(f"{what}\t{getattr(erased, what)}")


def _follow(url: str, settings: Settings, tenant: str, tenant_id: int, *, anew: bool) -> None:
    """Bring the read models up to the record, so that they show nothing any more of what was erased."""
    stop = threading.Event()
    try:
        with open_projector(url, settings) as (pool, projector):
            reach = catch_up(pool, projector, tenant_id, stop=stop)
            if reach.why is None and anew:
                rebuild = Rebuild(pool, projector, tenant_id, stop=stop)
                rebuild.run(patience_s=_PATIENCE_S)
                reach = catch_up(pool, projector, tenant_id, stop=stop)
    except RebuildError as error:
        raise NotFollowedError(_not_followed(tenant, str(error))) from None
    if reach.why is not None:
        raise NotFollowedError(_not_followed(tenant, reach.why))


def _not_followed(tenant: str, why: str) -> str:
    return (
        f"it is erased from the log, but the read models may still show it: {why}\n"
        f"run `roundbook rebuild {tenant}` once that is mended"
    )
