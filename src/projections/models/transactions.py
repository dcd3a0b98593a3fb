"""Transactions: deposits and withdrawals, one row each."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import Struct, field

from domain.events import TOPICS, Deposited, Withdrawn
from domain.ids import Id, Position
from domain.item_types import WIRE_TYPES
from domain.money import plain
from postgres.connections import Connection
from postgres.statements import Statement, Statements
from projections.entries import Scope, Stretch
from projections.reading import Amount, Rows, Snapshot, rows, select

VERSION = 1
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["transactions"]


class Sql(Statements):
    """Adding transactions, and reading them."""

    copy_transactions: Statement
    find_transactions: Statement


SQL = Sql(__file__)


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
        _Row,
        filters,
        after_at=after_at,
        after_position=after_position,
        limit=limit + 1,
    )
    views = [_view(row) for row in found]
    return rows(views, limit, lambda view: (view.timestamp, view.position))


class _Row(NamedTuple):
    unique_id: str
    position: int
    type: TransactionType
    player_id: str
    timestamp: datetime
    amount: Decimal
    currency: str
    method: str
    amount_eur: Decimal | None


def _view(row: _Row) -> TransactionView:
    amount_eur = None if row.amount_eur is None else plain(row.amount_eur)
    members = row._asdict() | {"amount": plain(row.amount), "amount_eur": amount_eur}
    return TransactionView(**members)
