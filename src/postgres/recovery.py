"""Recovery: a server that replays what others wrote takes no writes, and may not be where it is to end yet.

Hot standby lets sessions in while that goes on. A server that recovers to a point in time may even stand
still there, for somebody to look, and whatever is begun before it ended would be begun in the middle.
"""

import psycopg

from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Asking whether a server recovers."""

    is_recovering: Statement


SQL = Sql(__file__)


class InRecoveryError(psycopg.errors.ReadOnlySqlTransaction):
    """The server is in recovery, or a standby, and takes no writes."""

    def __init__(self, where: str) -> None:
        """Say what recovers: the setting that names it."""
        super().__init__(
            f"{where}: the server is in recovery, or a standby, and takes no writes. A"
            " recovery that stands still at its target is ended by `select pg_wal_replay_resume()`, a standby"
            " by `select pg_promote()`"
        )


def is_recovering(connection: Connection) -> bool:
    """Return whether the server of a session replays what others wrote. Raises psycopg.Error."""
    return fetch_one(connection, SQL.is_recovering, None, bool) or False


def check_recovered(where: str, connection: Connection) -> None:
    """Raise InRecoveryError where the server takes no writes; `where` names it. Raises psycopg.Error."""
    if is_recovering(connection):
        raise InRecoveryError(where)
