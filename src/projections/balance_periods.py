"""What moved by player, currency and time: balances as of any time of the events, late ones included.

A balance as of a time is the sum of whole days, of whole periods of 10 minutes, and of the events of one.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import astuple

from domain.balance import Balance, Movement, add_balances, fold_balance
from domain.events import Event, decode
from projections.entries import Entry, Scope, columns, group_by
from projections.reading import Snapshot
from projections.statements import Connection, statements

SQL = statements(__file__)

_MINUTES = 10
_COLUMNS = ("player_id", "currency", "is_day", "period", *Balance.__struct_fields__, "positions")


def project(connection: Connection, scope: Scope, entries: Sequence[Entry]) -> None:
    """Add a stretch of the log to the periods in which its events happened."""
    moved = group_by(
        [(entry.event, entry.position) for entry in entries if isinstance(entry.event, Movement)],
        lambda move: (move[0].player_id, move[0].currency, _period(move[0].timestamp)),
    )
    if not moved:
        return
    rows: list[tuple[object, ...]] = []
    days: dict[tuple[str, str, datetime], Balance] = {}
    for (player_id, currency, period), moves in moved.items():
        balance = fold_balance(event for event, _ in moves)
        positions = ",".join(str(position) for _, position in moves)
        rows.append((player_id, currency, False, period, *astuple(balance), f"{{{positions}}}"))
        day = (player_id, currency, _day(period))
        days[day] = add_balances(days[day], balance) if day in days else balance
    rows += [
        (player_id, currency, True, day, *astuple(balance), "{}")
        for (player_id, currency, day), balance in days.items()
    ]
    written = connection.execute(
        SQL.add_to_balance_periods.sql, scope._asdict() | columns(rows, _COLUMNS)
    ).fetchall()
    if len(written) != len(rows):
        raise RuntimeError(f"{len(written)} periods were written, not {len(rows)}")


def _period(moment: datetime) -> datetime:
    """Give the beginning of the 10 minutes that a moment belongs to."""
    return moment.replace(minute=moment.minute - moment.minute % _MINUTES, second=0, microsecond=0)


def _day(moment: datetime) -> datetime:
    """Give the beginning of the day that a moment belongs to."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def read_as_of(seen: Snapshot, player_id: str, as_of: datetime) -> dict[str, Balance]:
    """Read a player's balances by currency, of the events that happened at `as_of` or before."""
    period = _period(as_of)
    parameters = {
        **seen.scope._asdict(),
        "player_id": player_id,
        "day": _day(period),
        "period": period,
    }
    before = seen.connection.execute(SQL.balances_before.sql, parameters, binary=True)
    balances = {currency: Balance(*sums) for currency, *sums in before}
    moved: dict[str, list[Event]] = {}
    for position, topic, state in seen.connection.execute(
        SQL.moved_within.sql, parameters, binary=True
    ):
        event = decode(topic, state)
        if not isinstance(event, Movement):
            raise TypeError(f"the event at position {position} moves no money")
        if event.timestamp <= as_of:
            moved.setdefault(event.currency, []).append(event)
    for currency, events in moved.items():
        balances[currency] = fold_balance(events, balances.get(currency))
    return balances
