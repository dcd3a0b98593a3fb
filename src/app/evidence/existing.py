"""Keys for logs that are older than evidence: made once, by the first process that seals.

That a log never had a key the database can't tell: who changes it may have removed what it kept of one. The
folder of the keys can: they are made where no key was ever made.
"""

import os
from pathlib import Path

from app.evidence.log_keys import begin_signing
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.notes import VerifierKey
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Finding the logs that were never sealed."""

    one_at_a_time: Statement
    never_sealed: Statement


SQL = Sql(__file__)


def begin_signing_existing(connection: Connection, settings: Settings) -> list[VerifierKey]:
    """Make a key for each log that never had one, and return them, if the folder of the keys is unused.

    None is made where a command signs. One that is broken off is not taken up: then the folder is used.
    Raises KeyFileError, OSError.
    """
    if settings.sign_command is not None or _is_used(settings.signing_path):
        return []
    with connection.transaction():
        connection.execute(SQL.one_at_a_time.sql)
        if _is_used(settings.signing_path):
            return []
        logs = fetch_all(connection, SQL.never_sealed, None, Log)
        return [begin_signing(connection, log, settings) for log in logs]


def _is_used(folder: Path) -> bool:
    """Tell whether a folder holds a key, or what was last signed with one. Raises OSError."""
    try:
        return any(name.endswith((".key", ".last")) for name in os.listdir(folder))  # noqa: PTH208 (a folder that may not be read is no unused one)
    except FileNotFoundError:
        return False
