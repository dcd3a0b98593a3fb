"""Fills a tenant with rows as the service would write them, but in SQL: 10 million events in minutes.

The rows have the shape and the size of the projector's, and each value that filters can ask for is there
in abundance and seldom. They are not folded from the log, and the keys of rounds and of all but some events
are other hashes.
"""

from pathlib import Path
from typing import NamedTuple

import aiosql
import msgspec

from domain.ids import event_key
from postgres.connections import connect
from projections.models.registry import code_versions

SQL = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg", mandatory_parameters=False)

_EVENTS = (SQL.fill_catalogue_events, SQL.fill_events, SQL.end_filling_events)
_FILLING = (
    *_EVENTS,
    SQL.fill_rounds,
    SQL.fill_transactions,
    SQL.fill_rollbacks,
    SQL.fill_balances,
    SQL.fill_balance_periods,
    SQL.fill_activity,
    SQL.fill_activity_of_all_games,
    SQL.fill_players,
    SQL.fill_games,
    SQL.fill_conflicts,
    SQL.fill_accesses,
    SQL.fill_refused,
    SQL.end_filling,
)


_KEYS = {
    "first_keys": [event_key(f"u-{number}") for number in range(200)],
    "game_keys": [event_key(f"game-{number}") for number in range(200)],
}
"""Those of the events by which fields of profiles were set."""


class Size(NamedTuple):
    """How many rows there are: `round_events` events of the log are a round, one in `payment_every` pays.

    There are as many accesses as conflicts.
    """

    events: int
    round_events: int
    payment_every: int
    players: int
    games: int
    cells: int
    conflicts: int


def fill_events(owner_url: str, tenant_id: int, size: Size) -> int:
    """Fill only the log of a tenant that has nothing yet; gives its head. Its leaf hashes are missing."""
    with connect(owner_url) as connection:
        with connection.transaction():
            connection.execute(SQL.begin_filling.sql)
            for statement in _EVENTS:
                connection.execute(
                    statement.sql,
                    {
                        "tenant_id": tenant_id,
                        **size._asdict(),
                        **_KEYS,
                    },
                )
        connection.execute("vacuum analyze events")
    return size.games + size.events


def fill(owner_url: str, tenant_id: int, size: Size) -> None:
    """Fill a tenant that has nothing yet."""
    parameters = {
        "tenant_id": tenant_id,
        **size._asdict(),
        **_KEYS,
        "keys": [event_key(f"u-{number}") for number in range(size.conflicts)],
        "position": size.games + size.events,
        "versions": msgspec.json.encode(code_versions()).decode(),
    }
    with connect(owner_url) as connection:
        with connection.transaction():
            connection.execute(SQL.begin_filling.sql)
            for statement in _FILLING:
                connection.execute(statement.sql, parameters)
        # The planner knows sizes and values only from here on.
        connection.execute("vacuum analyze")
