"""Transactions: deposits and withdrawals, one row each."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from domain.events import TOPICS, Deposited, Withdrawn
from domain.ids import Id, Position
from domain.item_types import WIRE_TYPES
from domain.money import plain
from postgres.connections import Connection
from postgres.statements import statements
from projections.entries import Scope, Stretch
from projections.reading import Amount, Rows, Snapshot, rows, select

VERSION = 1
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""

SQL = statements(__file__)


def fold(stretch: Stretch) -> list[tuple[object, ...]]:
    """Make the rows of a stretch of the log."""
    return [
        (
            position,
            event.timestamp,
            WIRE_TYPES[TOPICS[type(event)]],
            event.unique_id,
            event.player_id,
            event.amount,
            event.currency,
            event.method,
            event.amount_eur if isinstance(event, Deposited) else None,
        )
        for position, event in zip(*stretch.others, strict=True)
        if isinstance(event, Deposited | Withdrawn)
    ]


def write(connection: Connection, scope: Scope, rows: list[tuple[object, ...]]) -> None:
    """Add rows, which are new."""
    if rows:
        with connection.cursor() as cursor, cursor.copy(SQL.copy_transactions.sql) as sink:
            for row in rows:
                sink.write_row((*scope, *row))


TransactionType = Literal["deposit", "withdraw"]


class TransactionFilters(Struct, frozen=True):
    """Which transactions; the times are about when they happened."""

    player_id: Id | None = None
    type: TransactionType | None = None
    method: Id | None = None
    currency: Id | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class TransactionView(Struct, frozen=True):
    """A deposit or a withdrawal."""

    unique_id: str
    position: int
    type: TransactionType
    player_id: str
    timestamp: datetime
    amount: Amount
    currency: str
    method: str
    amount_eur: Amount | None


TransactionPlace = tuple[datetime, Position]
"""Time and position: the order of transactions, backwards."""


def find_transactions(
    seen: Snapshot, filters: TransactionFilters, after: TransactionPlace | None, limit: int
) -> Rows[TransactionView, TransactionPlace]:
    """List transactions, newest first."""
    after_at, after_position = after or (None, None)
    found = select(
        seen,
        SQL.find_transactions,
        filters,
        after_at=after_at,
        after_position=after_position,
        limit=limit + 1,
    )
    views = [_view(row) for row in found]
    return rows(views, limit, lambda view: (view.timestamp, view.position))


def _view(row: tuple[Any, ...]) -> TransactionView:
    unique_id, position, kind, player_id, at, amount, currency, method, in_eur = row
    amount_eur = None if in_eur is None else plain(in_eur)
    place = (unique_id, position, kind, player_id, at)
    return TransactionView(*place, plain(amount), currency, method, amount_eur)
