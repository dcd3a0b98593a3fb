"""Making a cluster, its settings, and the roles and database of the service in it."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from signal import SIGKILL

from psycopg import sql

from postgres.connections import connect
from postgres.embedded.accounts import is_root
from postgres.embedded.admission import by_password, set_passwords
from postgres.embedded.binaries import Binaries
from postgres.embedded.errors import EmbeddedError
from postgres.embedded.passwords import OWNER, SERVICE, SUPERUSER
from postgres.embedded.place import Place
from postgres.embedded.process import launch
from postgres.privileges import SQL

DATABASE = "roundbook"

# On the command line, where they come before whatever the folder's configuration files say.
SETTINGS = {
    # An acknowledged event survives a crash and a power cut. Never traded for speed.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Reached through the socket alone. Its folder says who gets to it.
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0777",
    "max_connections": "100",
    # What a crash leaves to redo is no more than this. Checkpoints are this divided by 1 + target apart: as
    # far as with 2 GB and the usual 0.9, so that as few whole pages are written. See docs/performance.md.
    "max_wal_size": "1536MB",
    "checkpoint_completion_target": "0.5",
    "jit": "off",  # compiling takes longer than our short queries
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "logging_collector": "off",  # the log goes to the file that we open, its size bounded by us
    "log_destination": "stderr",
}

_SHARED_BUFFERS_MB = 128
_LEAST_SHARED_BUFFERS_MB = 16

_DRAFT = "postgres-draft-"

_MAKES_CHECKSUMS = 18  # From this version on initdb does unless it is told not to.

_VERSION = re.compile(r"[1-9]\d?(\.\d\d?)?", re.ASCII)  # as people write it, and PG_VERSION has it


def shared_buffers(share: float) -> str:
    """Return how much memory the server has for its pages, of a share (0 to 1) of what is plenty."""
    return f"{max(_LEAST_SHARED_BUFFERS_MB, int(_SHARED_BUFFERS_MB * share))}MB"


def make_cluster(place: Place, binaries: Binaries, *, checksums: bool = True) -> None:
    """Make the data folder. Call as the owner. Raises EmbeddedError, OSError.

    It is made under another name, so that a half-made one is never taken for a cluster.
    """
    for leftover in place.home.glob(f"{_DRAFT}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=place.home))
    if is_root():
        os.chown(draft, place.account.uid, place.account.gid, follow_symlinks=False)
    options = [
        "-U",
        SUPERUSER,
        "-E",
        "UTF8",
        "--locale=C",
        "-A",
        "peer",  # which nothing goes by, as the server has a file of its own
        "--no-instructions",
        *_checksums(binaries, wanted=checksums),
    ]
    command = [binaries.initdb, "-D", str(draft), *options]
    initdb = launch(command, place.account, ending=SIGKILL, output=subprocess.PIPE)
    try:
        printed, _ = initdb.communicate()
    except BaseException:
        initdb.kill()
        initdb.communicate()
        raise
    if initdb.returncode != 0:
        reason = printed.decode(errors="replace").strip()
        raise EmbeddedError(f"initdb could not make a data folder in {place.home}: {reason}")
    draft.rename(place.pgdata)
    home = os.open(place.home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(home)
    finally:
        os.close(home)


def _checksums(binaries: Binaries, *, wanted: bool) -> list[str]:
    if wanted:
        return ["--data-checksums"]
    return ["--no-data-checksums"] if binaries.major >= _MAKES_CHECKSUMS else []


def version_of(pgdata: Path) -> str:
    """Return the major version of PostgreSQL that made a data folder, as PG_VERSION has it.

    Raises EmbeddedError where it says none, OSError.
    """
    try:
        version = (pgdata / "PG_VERSION").read_text("utf-8", errors="replace").strip()
    except FileNotFoundError:
        raise EmbeddedError(f"{pgdata} holds no data of PostgreSQL") from None
    if not _VERSION.fullmatch(version):
        raise EmbeddedError(f"{pgdata}/PG_VERSION names no version of PostgreSQL: {version[:20]!r}")
    return version


def check_version(pgdata: Path, binaries: Binaries) -> None:
    """Refuse a data folder that these programs cannot read. Raises EmbeddedError, OSError."""
    version = version_of(pgdata)
    if version != str(binaries.major):
        remedy = "use the release of Roundbook that made it, or a later one"
        if float(version) < binaries.major:
            remedy = (
                "bring it there by `roundbook upgrade`, which needs the programs of PostgreSQL"
                f" {version}, or use the release of Roundbook that made it"
            )
        raise EmbeddedError(
            f"{pgdata} was made by PostgreSQL {version}, which PostgreSQL {binaries.major}"
            f" ({binaries.folder}) cannot read: {remedy}"
        )


def furnish(place: Place) -> None:
    """Make the roles and the database of the service where they are missing, and give roles their passwords.

    The server is then to be told to read its configuration. Raises psycopg.Error, EmbeddedError, OSError.
    """
    with connect(place.url(SUPERUSER, "postgres")) as connection:
        made = False
        for role in (OWNER, SERVICE):
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
                made = True
        if made or not by_password(place):
            set_passwords(place, connection)
        database = sql.Identifier(DATABASE)
        known = "SELECT FROM pg_database WHERE datname = %s"
        if not connection.execute(known, [DATABASE]).rowcount:
            owner = sql.Identifier(OWNER)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        # Every time, as a crash may have come after the step before.
        revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database)
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
            database, sql.Identifier(SERVICE)
        )
        with connection.transaction():
            connection.execute(revoke)
            connection.execute(grant)
    with connect(place.url(SUPERUSER, DATABASE)) as connection:
        connection.execute(SQL.no_large_objects.sql)
