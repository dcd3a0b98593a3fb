"""Transactions: deposits and withdrawals, one row each."""

from collections.abc import Sequence

from domain.events import WIRE_TYPES, Deposited, Withdrawn
from projections.entries import Entry, Scope
from projections.statements import Connection, statements

SQL = statements(__file__)


def project(connection: Connection, scope: Scope, entries: Sequence[Entry]) -> None:
    """Add the payments of a stretch of the log."""
    rows = [
        (
            *scope,
            position,
            event.timestamp,
            WIRE_TYPES[type(event).__name__],
            event.unique_id,
            event.player_id,
            event.amount,
            event.currency,
            event.method,
            event.amount_eur if isinstance(event, Deposited) else None,
        )
        for position, event in entries
        if isinstance(event, Deposited | Withdrawn)
    ]
    if rows:
        with connection.cursor() as cursor, cursor.copy(SQL.copy_transactions.sql) as sink:
            for row in rows:
                sink.write_row(row)
