"""Making a backup while the service goes on: all of it as it was at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from app.backup.archive import (
    read_dump,
    read_manifest,
    write_dump,
    write_manifest,
)
from app.backup.manifest import BackupError, Manifest, logs_there
from app.whole_files import whole_or_not_there
from postgres.connections import Connection, connect
from postgres.distribution import is_cluster
from postgres.dumping import APPLICATION_NAME, check_readable, dump
from postgres.migrate import applied_steps
from postgres.pooling import require_session
from postgres.programs import find_program
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements

SCHEMA_NAME = "roundbook"


class Sql(Statements):
    """Showing others the same moment."""

    begin_snapshot: Statement
    wait_long: Statement
    export_snapshot: Statement


SQL = Sql(__file__)


def back_up(owner_url: str, path: Path, *, programs: Path | None, replace: bool) -> Manifest:
    """Write a backup of the database into a file, read it again, and return what it says of itself.

    Nothing is locked that the service needs; who migrates waits. `programs` is the folder of `pg_dump` and
    `pg_restore`. The file is there when it was read to its end, and not at all where anything failed. Raises
    BackupError, app.whole_files.FileError, postgres.programs.ProgramError, postgres.pooling.PoolerError,
    psycopg.Error, OSError.
    """
    with connect(owner_url) as connection, whole_or_not_there(path, replace=replace) as file:
        require_session(connection, "a backup")
        if is_cluster(connection):
            raise BackupError(
                "the database is distributed over the nodes of a cluster, and what one session reads of them"
                " is of no one moment: back up each node itself, see docs/scaling.md"
            )
        server = connection.info.server_version // 10_000
        pg_dump = find_program("pg_dump", programs, oldest=server, why="as the server is")
        pg_restore = find_program(
            "pg_restore", programs, oldest=pg_dump.major, why=f"as {pg_dump.path} is"
        )
        with _snapshot(connection) as snapshot:
            steps, logs = applied_steps(connection), logs_there(connection)
            written = write_dump(file, dump(pg_dump, owner_url, SCHEMA_NAME, snapshot))
        manifest = Manifest(
            made_at=datetime.now(UTC),
            roundbook=version("roundbook"),
            steps=steps,
            postgres=server,
            pg_dump=pg_dump.major,
            dump_bytes=written.size,
            sha256=written.sha256,
            logs=logs,
        )
        write_manifest(file, manifest)
        file.flush()
        check_readable(pg_restore, read_dump(file, read_manifest(file)))
    return manifest


@contextmanager
def _snapshot(connection: Connection) -> Iterator[str]:
    """Give the name of what this session sees, for another one to see the same, until the block ends."""
    with connection.transaction():
        # It waits as long as the dump takes, and must not be taken for one whose process fell silent.
        connection.execute(SQL.begin_snapshot.sql)
        connection.execute(SQL.wait_long.sql, {"application_name": APPLICATION_NAME})
        yield fetch_one(connection, SQL.export_snapshot, None, str) or ""
