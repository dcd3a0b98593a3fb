"""`roundbook evidence bundle`: what an auditor takes away, written here."""

from pathlib import Path

import click

from api.process.store import open_service
from app.evidence.bundle import Bundle, BundleOf
from app.evidence.proving import NotSealedError
from app.settings import read_settings
from app.tenants import find_tenant
from app.whole_files import whole_or_not_there
from domain.streams import player_stream
from postgres.connections import open_pool

_POSITION = click.IntRange(1, 2**63 - 1)
_LONGEST_ID = 255


class UnsealedError(click.ClickException):
    """What is asked for is not sealed."""


@click.command("bundle")
@click.argument("tenant")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from-position", type=_POSITION, help="The first position; else 1.")
@click.option("--to-position", type=_POSITION, help="The last position; else all that is sealed.")
@click.option("--player", "player_id", help="All events of this player instead.")
@click.option("--since", type=_POSITION, help="Prove too that the log continues that of this size.")
def bundle_command(
    tenant: str,
    file: Path,
    *,
    from_position: int | None,
    to_position: int | None,
    player_id: str | None,
    since: int | None,
) -> None:
    """Write a bundle of evidence of TENANT into FILE, a zip that `roundbook-verify` reads offline.

    It holds events as they stand in the log at its newest checkpoint, and all that proves them. FILE must
    not be there yet.
    """
    positions = (from_position, to_position)
    if player_id is not None and positions != (None, None):
        raise click.UsageError("a bundle is of a player or of positions")
    if player_id is not None and not 0 < len(player_id) <= _LONGEST_ID:
        raise click.UsageError(f"an id has 1 to {_LONGEST_ID} characters, not {len(player_id)}")
    if from_position is not None and to_position is not None and from_position > to_position:
        raise click.UsageError("--from-position must be at most --to-position")
    stream = None if player_id is None else player_stream(player_id)
    asked = BundleOf(stream, from_position, to_position, since)
    with open_service(read_settings()) as url, open_pool(url, max_size=1) as pool:
        with pool.connection() as connection:
            tenant_id = find_tenant(connection, tenant).tenant_id
        try:
            bundle = Bundle(pool, tenant_id, asked)
            with whole_or_not_there(file) as out:
                out.writelines(bundle.pieces())
        except NotSealedError as error:
            raise UnsealedError(f"there is no such bundle of {tenant} yet: {error}") from None
    manifest = bundle.manifest
    of = manifest.stream or f"positions {manifest.first} to {manifest.last}"
    click.echo(f"wrote {file}: {of}, of a log of {manifest.size}", err=True)
