"""What came late: events that were recorded when the gaming day on which they happened had ended.

Each day of a player knows where its last event stands in the log. Where that is after the end of the day,
there are late ones: they are looked for in its periods, and nowhere else.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from domain.balance import Movement
from domain.events import is_bare
from postgres.statements import Statement, Statements
from projections.reading import Snapshot, read_events, select
from projections.reports.shape import MOST_READ, readable


class Sql(Statements):
    """Finding what came late."""

    last_position_by: Statement
    late_days: Statement
    late_positions: Statement


SQL = Sql(__file__)

_AT_ONCE = 1_000


class LateDay(NamedTuple):
    """A day of a player, in one currency, to which something was added late."""

    player_id: str
    currency: str
    period: datetime


class Late(NamedTuple):
    """An event that came late."""

    position: int
    event: Movement


def last_position_by(seen: Snapshot, moment: datetime, after: int = 0) -> int:
    """Return the position of the last event that was recorded before a moment; `after` if there is none."""
    found = select(seen, SQL.last_position_by, int, moment=moment, after=after, head=seen.position)
    return found[0]


def late_events(seen: Snapshot, begin: datetime, end: datetime, known: int) -> Iterator[Late]:
    """Yield what happened on a day, between two moments, and stands after a position of the log.

    Raises TooLongError.
    """
    days = select(seen, SQL.late_days, LateDay, period=begin, known=known, limit=MOST_READ + 1)
    readable(days)
    positions = select(
        seen,
        SQL.late_positions,
        int,
        players=sorted({day.player_id for day in days}),
        begins_at=begin,
        ends_at=end,
        known=known,
        limit=MOST_READ + 1,
    )
    readable(positions)
    for start in range(0, len(positions), _AT_ONCE):
        for position, event in read_events(seen, positions[start : start + _AT_ONCE]):
            if not is_bare(event) and isinstance(event, Movement):
                yield Late(position, event)
