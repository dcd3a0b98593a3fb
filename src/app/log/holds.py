"""Holds: players of whom nothing may be erased, as long as somebody needs it (a dispute, an inquiry)."""

from datetime import UTC, datetime
from typing import NamedTuple

from app.log.append import locked_log
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Setting, releasing and listing holds."""

    held: Statement
    record_hold: Statement
    list_holds: Statement


SQL = Sql(__file__)


class Hold(NamedTuple):
    """A player on hold: since when, why, and by whom."""

    player_id: str
    reason: str
    by: str
    at: datetime


def is_held(connection: Connection, tenant_id: int, player_id: str) -> bool:
    """Return whether nothing of a player may be erased; that stays so within `locked_log` alone."""
    whose = {"tenant_id": tenant_id, "player_id": player_id}
    return fetch_one(connection, SQL.held, whose, bool) or False


def set_hold(connection: Connection, tenant_id: int, hold: Hold, *, held: bool = True) -> bool:
    """Put a player on hold, or release it; False if it was so before, and nothing is recorded.

    Needs the credential that owns the schema: psycopg.errors.InsufficientPrivilege for another.
    """
    with locked_log(connection, tenant_id):
        if is_held(connection, tenant_id, hold.player_id) == held:
            return False
        row = {**hold._asdict(), "tenant_id": tenant_id, "held": held}
        connection.execute(SQL.record_hold.sql, row)
    return True


def list_holds(connection: Connection, tenant_id: int) -> list[Hold]:
    """List the players on hold, by id."""
    return fetch_all(connection, SQL.list_holds, {"tenant_id": tenant_id}, Hold)


def new_hold(player_id: str, reason: str, by: str) -> Hold:
    """Return a hold as of now."""
    return Hold(player_id, reason, by, datetime.now(UTC))
