"""Balances: what moved, by player and currency."""

from collections.abc import Sequence

from msgspec.structs import astuple

from domain.balance import Balance, Movement, fold_balance
from projections.entries import Entry, Scope, columns, group_by
from projections.statements import Connection, statements

SQL = statements(__file__)
_COLUMNS = ("player_id", "currency", *Balance.__struct_fields__)


def project(connection: Connection, scope: Scope, entries: Sequence[Entry]) -> None:
    """Add a stretch of the log to the balances."""
    movements = [entry.event for entry in entries if isinstance(entry.event, Movement)]
    moved = group_by(movements, lambda event: (event.player_id, event.currency))
    if not moved:
        return
    rows = [(*key, *astuple(fold_balance(events))) for key, events in moved.items()]
    written = connection.execute(
        SQL.add_to_balances.sql, scope._asdict() | columns(rows, _COLUMNS)
    ).fetchall()
    if len(written) != len(rows):
        raise RuntimeError(f"{len(written)} balances were written, not {len(rows)}")
