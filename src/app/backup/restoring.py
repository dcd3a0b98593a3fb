"""Bringing a backup back, into an empty database: all of it, or nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from app.backup.archive import read_dump, read_manifest
from app.backup.manifest import BackupError, LogThere, Manifest, logs_there
from app.log.histories import begin_another_history
from postgres.connections import Connection, connect
from postgres.dumping import restore
from postgres.migrate import (
    Schema,
    check_same_database,
    has_schema,
    migrate,
)
from postgres.migration_turn import no_migration
from postgres.programs import find_program
from postgres.recovery import check_recovered


def bring_back(
    file: IO[bytes], schema: Schema, owner_url: str, service_url: str, *, programs: Path | None
) -> Manifest:
    """Restore a backup as the owner, migrate it, and grant the service's role what it needs.

    Before anything is written the file is read whole. The logs go on in another history. Raises BackupError
    for a file that is no backup, for a database that is not empty, and where what is there afterwards is not
    what the backup says; postgres.programs.ProgramError, postgres.migrate.MigrationError, psycopg.Error,
    OSError.
    """
    manifest = read_manifest(file)
    known = {step.number for step in schema.migrations()}
    if newer := set(manifest.steps) - known:
        raise BackupError(
            f"it was made by a newer version, {manifest.roundbook}: its schema has step {max(newer)}"
        )
    for _ in read_dump(file, manifest):
        pass
    with connect(owner_url) as owner, connect(service_url) as service, no_migration(owner):
        _check_place(owner, service, manifest, is_one=owner_url == service_url)
        pg_restore = find_program(
            "pg_restore", programs, oldest=manifest.pg_dump, why="as the pg_dump of the backup was"
        )
        restore(
            pg_restore,
            owner_url,
            read_dump(file, manifest),
            server=owner.info.server_version // 10_000,
            programs=programs,
        )
        there = logs_there(owner)
    migrate(schema, owner_url, service_url)
    with connect(owner_url) as owner:
        begin_another_history(owner)
    _compare(manifest.logs, there)
    return manifest


def _check_place(
    owner: Connection, service: Connection, manifest: Manifest, *, is_one: bool
) -> None:
    """Raise BackupError, MigrationError or InRecoveryError unless all can be brought back here."""
    check_recovered(f"the database {owner.info.dbname!r}", owner)
    if not is_one:
        check_same_database(owner, service)
    if has_schema(owner):
        raise BackupError(
            f"the database {owner.info.dbname!r} is not empty: it has a schema `roundbook`. A backup is"
            " brought back into an empty one alone; nothing was done. If a restore was killed here after its"
            " rows were in, `roundbook migrate` and `roundbook verify` finish it"
        )
    server = owner.info.server_version // 10_000
    if server < manifest.postgres:
        raise BackupError(
            f"it is of PostgreSQL {manifest.postgres}, and the server is of {server}: bring it back on"
            f" {manifest.postgres} or later; nothing was done"
        )


def _compare(then: Sequence[LogThere], there: Sequence[LogThere]) -> None:
    """Raise BackupError unless the logs are those that the backup was made of."""
    now = {log.tenant_id: log for log in there}
    others = [log for log in then if now.get(log.tenant_id) != log]
    if others or len(then) != len(there):
        names = ", ".join(log.tenant for log in others) or "which tenants there are"
        raise BackupError(
            f"what is in the database now is not what the backup says of itself: {names}. Keep both, and find"
            " out why"
        )
