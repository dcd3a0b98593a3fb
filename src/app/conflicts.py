"""The register of conflicts: what was refused because its unique_id stood for something else."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Raw, Struct

from app.recording import event_key
from domain.ids import Id, Position
from domain.item_types import WIRE_TYPES, WireType
from postgres.connections import Connection
from postgres.rows import fetch_pairs
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading the register."""

    find_conflicts: Statement


SQL = Sql(__file__)

PAGE_BYTES = 4 * 1024 * 1024
"""How many bytes of data a page gives, but for the one conflict that goes beyond."""


class ConflictFilters(Struct, frozen=True):
    """Which conflicts; the positions are those of the events that stand, both inclusive."""

    unique_id: Id | None = None
    from_position: Position | None = None
    to_position: Position | None = None


class Standing(Struct, frozen=True):
    """The event that stands, as it was sent."""

    event: WireType
    data: Raw


class ConflictView(Struct, frozen=True):
    """What was refused, and `recorded`, what stands in its place at `position`. Data is as it was sent."""

    unique_id: str
    position: int
    received_at: datetime
    event: WireType
    data: Raw
    recorded: Standing


class ConflictPage(NamedTuple):
    """Some conflicts, oldest first, and the number behind which to go on, None at the end."""

    items: list[ConflictView]
    last_number: int | None


def find_conflicts(
    connection: Connection, tenant_id: int, filters: ConflictFilters, after: int, limit: int
) -> ConflictPage:
    """List conflicts by number; fewer than `limit` where their data is large."""
    found = fetch_pairs(
        connection,
        SQL.find_conflicts,
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
        "number",
        _view,
        prepare=False,  # one plan for all combinations of filters would be a bad one
        binary=True,
    )
    shown = [(number, view) for number, view in found[:limit] if view is not None]
    return ConflictPage(
        [view for _, view in shown], shown[-1][0] if len(shown) < len(found) else None
    )


def _view(
    unique_id: str,
    position: int,
    received_at: datetime,
    event: WireType,
    topic: str,
    data: bytes | None,
    state: bytes | None,
) -> ConflictView | None:
    """Show a conflict and what is recorded; None for one whose data was left out."""
    if data is None or state is None:
        return None
    recorded = WIRE_TYPES[topic]
    return ConflictView(
        unique_id, position, received_at, event, Raw(data), Standing(recorded, Raw(state))
    )
