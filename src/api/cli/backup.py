"""`roundbook backup` and `roundbook restore`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from api.process.store import open_as_owner, open_store
from api.schema import SCHEMA
from app.backup.backing_up import back_up
from app.backup.manifest import BackupError, LogThere, Manifest
from app.backup.restoring import bring_back
from app.evidence.guard import last_path
from app.evidence.verification.asking import Asked
from app.evidence.verification.verify import verify_sealed
from app.log.leaves import current_log
from app.settings import Settings, read_settings
from domain.evidence.checkpoints import parse_checkpoint
from domain.evidence.notes import NoteError
from postgres.connections import connect
from postgres.reaching import connect_as

_SHOWN = 20

_programs = click.option(
    "--programs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where PostgreSQL's pg_dump and pg_restore are. By default they are looked for in the embedded one,"
    " in /usr/lib/postgresql and along PATH.",
)


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace FILE if it is there.")
@_programs
def backup_command(file: Path, programs: Path | None, *, replace: bool) -> None:
    """Back the database up into FILE, all of it as it is at one moment, while the service goes on.

    Needs the credential that owns the database (ROUNDBOOK_OWNER_URL), and pg_dump of the server's version or
    a later one. FILE is read again before it gets its name, and is whole or not there. Prints of each
    tenant's log the events, the last position, and up to which size it is sealed; tab-separated.

    The keys that sign the logs are not in it, nor what anchors keep.
    """
    with open_as_owner(read_settings()) as store:
        manifest = back_up(store.owner_url, file, programs=programs, replace=replace)
    _tell(manifest)
    click.echo(
        f"{file}: {manifest.dump_bytes} bytes of {manifest.events} events, schema {max(manifest.steps)},"
        f" PostgreSQL {manifest.postgres}, SHA-256 {manifest.sha256}",
        err=True,
    )


@click.command("restore")
@click.argument("file", type=click.File("rb"))
@_programs
def restore_command(file: IO[bytes], programs: Path | None) -> None:
    """Bring a backup back from FILE into an empty database, all of it or nothing.

    Needs the credential that owns the database (ROUNDBOOK_OWNER_URL); the embedded one is made. The schema is
    brought up to date, and the service's role gets its rights. Then it is verified that the logs are those of
    the backup, and that they are what was sealed. Prints them as `backup` does.

    What readers keep of before (cursors, positions with a log_id) is refused from then on.
    """
    settings = read_settings()
    with open_store(settings, make=True) as store:
        for setting, url in store.urls().items():
            connect_as(setting, url).close()
        manifest = bring_back(file, SCHEMA, store.owner_url, store.service_url, programs=programs)
        click.echo(
            f"restored as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.events} events",
            err=True,
        )
        found = [
            line for log in manifest.logs for line in _verify(log, store.service_url, settings)
        ]
    _tell(manifest)
    if found:
        for line in found[:_SHOWN]:
            click.echo(line, err=True)
        sys.stdout.flush()
        raise BackupError(
            "it is brought back whole, but it was not what had been sealed when it was made: keep it, and"
            " take an older one. `roundbook verify` says more"
        )
    click.echo(
        "verified: the logs are those of the backup, and what was sealed of them is there", err=True
    )


def _verify(log: LogThere, url: str, settings: Settings) -> Iterator[str]:
    """Tell what of a log is not what was sealed; and on stderr if more of it was signed than there is."""
    with connect(url) as connection:
        current = current_log(connection, log.tenant_id)
    if current is None:
        return
    for finding in verify_sealed(Asked(url, current, settings)):
        yield f"{log.tenant}: {finding}"
    try:
        signed = parse_checkpoint(
            last_path(settings.signing_path, current.log_id, "log").read_text("utf-8")
        )
    except (OSError, NoteError, UnicodeDecodeError):
        return
    if signed.size > log.sealed:
        click.echo(
            f"{log.tenant}: it was signed up to {signed.size}, and the backup is sealed up to {log.sealed},"
            f" of {log.position}. Where that can't be brought back, begin another log by `roundbook evidence"
            f" restart {log.tenant}` before clients send again",
            err=True,
        )


def _tell(manifest: Manifest) -> None:
    for log in manifest.logs:
        click.echo(f"{log.tenant}\t{log.events}\t{log.position}\t{log.sealed}")
