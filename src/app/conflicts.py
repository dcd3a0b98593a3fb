"""The register of conflicts: what was refused because something else is recorded under its unique_id."""

from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Raw, Struct

from app.recording import event_key
from domain.ids import Id, Position
from domain.item_types import WIRE_TYPES, WireType
from postgres.connections import Connection
from postgres.statements import statements

SQL = statements(__file__)

PAGE_BYTES = 4 * 1024 * 1024
"""How many bytes of data a page gives, but for the one conflict that goes beyond."""


class ConflictFilters(Struct, frozen=True):
    """Which conflicts; the positions are those of the recorded events, both inclusive."""

    unique_id: Id | None = None
    from_position: Position | None = None
    to_position: Position | None = None


class RecordedItem(Struct, frozen=True):
    """The recorded event, as it was sent."""

    event: WireType
    data: Raw


class ConflictView(Struct, frozen=True):
    """What was refused, and `recorded`, the event under its unique_id. Data is as it was sent."""

    unique_id: str
    position: int
    received_at: datetime
    event: WireType
    data: Raw
    recorded: RecordedItem


class ConflictPage(NamedTuple):
    """Some conflicts, oldest first, and the number behind which to go on, None at the end."""

    items: list[ConflictView]
    last_number: int | None


def find_conflicts(
    connection: Connection, tenant_id: int, filters: ConflictFilters, after: int, limit: int
) -> ConflictPage:
    """List conflicts by number; fewer than `limit` where their data is large."""
    found = connection.execute(
        SQL.find_conflicts.sql,
        {
            "tenant_id": tenant_id,
            "unique_id": filters.unique_id,
            "key": None if filters.unique_id is None else event_key(filters.unique_id),
            "from_position": filters.from_position,
            "to_position": filters.to_position,
            "after": after,
            "limit": limit + 1,
            "limit_bytes": PAGE_BYTES,
        },
        prepare=False,  # one plan for all combinations of filters would be a bad one
        binary=True,
    ).fetchall()
    shown = [row for row in found[:limit] if row[-1] is not None]
    return ConflictPage(
        [_view(row[1:]) for row in shown], shown[-1][0] if len(shown) < len(found) else None
    )


def _view(row: tuple[Any, ...]) -> ConflictView:
    unique_id, position, received_at, event, topic, data, state = row
    recorded_as = WIRE_TYPES[topic]
    return ConflictView(
        unique_id, position, received_at, event, Raw(data), RecordedItem(recorded_as, Raw(state))
    )
