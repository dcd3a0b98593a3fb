"""`roundbook upgrade`: the embedded PostgreSQL becomes one of a newer major version."""

from pathlib import Path

import click

from app.settings import read_settings
from postgres.embedded import EmbeddedError
from postgres.embedded.upgrade import remove_kept, upgrade


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)


@click.command("upgrade")
@click.option(
    "--old-binaries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where the programs of the version are that made the data folder, as /usr/lib/postgresql/15/bin. By"
    " default they are looked for in /usr/lib/postgresql.",
)
@click.option(
    "--remove-old",
    is_flag=True,
    help="Remove the old data folder that an upgrade kept, and no more.",
)
def upgrade_command(old_binaries: Path | None, *, remove_old: bool) -> None:
    """Bring the data folder of the embedded PostgreSQL to the major version of this release.

    The service must be stopped. The new data folder is made beside the old one, and takes as much room again.
    When it is complete it takes the old one's place, at once: until then, and if anything fails, all is as it
    was. The old one is kept. A backup before is wise all the same.
    """
    settings = read_settings()
    if settings.database_url is not None:
        raise EmbeddedError(
            "ROUNDBOOK_DATABASE_URL names a database elsewhere, which is upgraded by its own means:"
            " `roundbook upgrade` is for the embedded one"
        )
    if remove_old:
        for folder in remove_kept(settings.data_path, say=_to_stderr):
            click.echo(f"removed {folder}")
        return
    done = upgrade(settings.data_path, old_binaries=old_binaries, say=_to_stderr)
    if done is None:
        click.echo("the data folder is of this version already")
        return
    click.echo(
        f"upgraded from PostgreSQL {done.before} to {done.now}; the old data folder is {done.kept}"
    )
    click.echo(
        "When the service runs well, remove it by `roundbook upgrade --remove-old`. What was set in its"
        " postgresql.conf was not taken over; what was set by `alter system` was.",
        err=True,
    )
