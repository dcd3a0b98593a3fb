"""What an export for analysts reads: the log and the read models as CSV of PostgreSQL's, fast and in order.

Each row ends with the moment that it is filed under. What is never changed is read by position; of what
is, those rows that events after a position may have changed, as they are at the snapshot.
"""

from collections.abc import Iterator
from typing import Literal

from postgres.copying import copy_lines
from postgres.statements import Statement, Statements
from projections.reading import Snapshot


class Sql(Statements):
    """Copying tables out."""

    keep_long: Statement
    copy_events: Statement
    copy_transactions: Statement
    copy_rounds: Statement
    copy_activity: Statement
    copy_players: Statement
    copy_players_since: Statement
    copy_games: Statement
    erased_since: Statement


SQL = Sql(__file__)

APPLICATION_NAME = "roundbook export"
"""What the session of an export is called in PostgreSQL: it waits for disks, and no watchdog may end it."""

Name = Literal["events", "transactions", "rounds", "activity", "players", "games"]

_STATEMENTS: dict[Name, Statement] = {
    "events": SQL.copy_events,
    "transactions": SQL.copy_transactions,
    "rounds": SQL.copy_rounds,
    "activity": SQL.copy_activity,
    "players": SQL.copy_players,
    "games": SQL.copy_games,
}


_SINCE: dict[Name, Statement] = {"players": SQL.copy_players_since}


def keep_long(seen: Snapshot) -> None:
    """Let the transaction of a snapshot take as long as it takes."""
    seen.connection.execute(SQL.keep_long.sql, {"application_name": APPLICATION_NAME})


def copy_out(seen: Snapshot, name: Name, *, after: int, until: int) -> Iterator[bytes]:
    """Yield lines of CSV: what is new or may be changed by the events after a position, up to `until`."""
    rule = seen.days.rule
    parameters = {
        **seen.scope._asdict(),
        "after": after,
        "until": until,
        "time_zone": rule.time_zone,
        "day_starts": rule.starts_at,
    }
    statement = _STATEMENTS[name] if after == 0 else _SINCE.get(name, _STATEMENTS[name])
    return copy_lines(seen.connection, statement, parameters)


def erased_since(seen: Snapshot, position: int) -> int | None:
    """Return the position at which it is first recorded, after a position, that something was erased."""
    parameters = {"tenant_id": seen.scope.tenant_id, "after": position, "until": seen.position}
    found = seen.connection.execute(SQL.erased_since.sql, parameters).fetchone()
    return None if found is None else found[0]
