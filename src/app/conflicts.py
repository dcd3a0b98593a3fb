"""The register of conflicts: what was refused because something else is recorded under its unique_id."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Raw, Struct, field

from domain.ids import Id, Position, event_key
from domain.item_types import WIRE_TYPES, SentType
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading the register."""

    find_conflicts: Statement


SQL = Sql(__file__)

PAGE_BYTES = 4 * 1024 * 1024
"""How many bytes of data a page gives, but for the one conflict that goes beyond."""


class ConflictFilters(Struct, frozen=True):
    """Which conflicts; the positions are those of the recorded events, both inclusive.

    The times are when the contents were refused. Conflicts are few: there is no index by time.
    """

    unique_id: Id | None = None
    from_position: Position | None = None
    to_position: Position | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class RecordedItem(Struct, frozen=True):
    """The recorded event, as it was sent; `data` is null if it was erased."""

    event: SentType
    data: Raw


class ConflictView(Struct, frozen=True):
    """What was refused, and `recorded`, the event under its unique_id.

    Data is as it was sent, and null where it was erased.
    """

    unique_id: str
    position: int
    received_at: datetime
    event: SentType
    data: Raw
    recorded: RecordedItem


class ConflictPage(NamedTuple):
    """Some conflicts, oldest first, and the number after which to go on, None at the end."""

    items: list[ConflictView]
    last_number: int | None


def find_conflicts(
    connection: Connection, tenant_id: int, filters: ConflictFilters, after: int, limit: int
) -> ConflictPage:
    """List conflicts by number; fewer than `limit` where their data is large."""
    found = fetch_all(
        connection,
        SQL.find_conflicts,
        {
            "tenant_id": tenant_id,
            "unique_id": filters.unique_id,
            "key": None if filters.unique_id is None else event_key(filters.unique_id),
            "from_position": filters.from_position,
            "to_position": filters.to_position,
            "at_or_after": filters.at_or_after,
            "before": filters.before,
            "after": after,
            "limit": limit + 1,
            "limit_bytes": PAGE_BYTES,
        },
        _Row,
        prepare=False,  # one plan for all combinations of filters would be a bad one
        binary=True,
    )
    shown = [row for row in found[:limit] if row.data is not None]
    return ConflictPage(
        [_view(row) for row in shown], shown[-1].number if len(shown) < len(found) else None
    )


class _Row(NamedTuple):
    """What was refused and what is recorded; without both where they didn't fit into the page."""

    number: int
    unique_id: str
    position: int
    received_at: datetime
    event: SentType
    topic: str
    data: bytes | None
    state: bytes | None


def _view(row: _Row) -> ConflictView:
    recorded = RecordedItem(WIRE_TYPES[row.topic], Raw(row.state or b""))
    place = (row.unique_id, row.position, row.received_at)
    return ConflictView(*place, row.event, Raw(row.data or b""), recorded)
