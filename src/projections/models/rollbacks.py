"""Rollbacks, one row each, and what each takes back: that may change with an event that comes late."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType, field

from domain.events import (
    BetRolledBack,
    Event,
    RolledBack,
    Split,
    SplitBetRolledBack,
    SplitWinRolledBack,
    WinRolledBack,
)
from domain.ids import Id, Position
from domain.instant import Instant
from domain.money import plain
from domain.rollback import Status, statuses
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements
from projections.entries import Scope, Stretch
from projections.reading import (
    PAGE_BYTES,
    Amount,
    Rows,
    Snapshot,
    find_events,
    measured_rows,
    select_pairs,
)
from projections.upserts import array

VERSION = 1
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["rollbacks"]


class Sql(Statements):
    """Adding rollbacks, keeping up to date what they take back, and reading them."""

    awaited: Statement
    standing: Statement
    copy_rollbacks: Statement
    restate: Statement
    find_rollbacks: Statement


SQL = Sql(__file__)
_KINDS = {BetRolledBack, WinRolledBack, SplitBetRolledBack, SplitWinRolledBack}


class Folded(NamedTuple):
    """The rollbacks of a stretch of the log by their positions, and all of it, which others may wait for."""

    rollbacks: Mapping[int, RolledBack]
    stretch: Stretch


def fold(stretch: Stretch) -> Folded:
    """Find the rollbacks in a stretch of the log."""
    # By the very type first, as nearly none is one: that is asked of each bet and win.
    found = {
        position: event
        for position, event in zip(*stretch.played, strict=True)
        if type(event) in _KINDS and isinstance(event, RolledBack)
    }
    return Folded(found, stretch)


def write(connection: Connection, scope: Scope, folded: Folded) -> None:
    """Add rollbacks with what they take back, and mend what was said of others, as far as it changes."""
    new, stretch = folded
    events = _awaited(connection, scope, stretch)
    references = [each.reference for each in new.values() if each.reference is not None]
    if references:
        events |= find_events(connection, scope.tenant_id, references, stretch.last)
    standing = _standing(connection, scope, events) if events else {}
    known = {position: rollback for position, (rollback, _) in standing.items()}
    found = statuses(known | dict(new), events)
    if new:
        with connection.cursor() as cursor, cursor.copy(SQL.copy_rollbacks.sql) as sink:
            for position, rollback in new.items():
                sink.write_row((*scope, position, found[position], *_columns(rollback)))
    changed: dict[Status, list[int]] = {}
    for position, (_, before) in standing.items():
        if found[position] != before:
            changed.setdefault(found[position], []).append(position)
    for status, positions in changed.items():
        parameters = {"status": status, "positions": positions}
        connection.execute(SQL.restate.sql, {**scope._asdict(), **parameters})


def _awaited(connection: Connection, scope: Scope, stretch: Stretch) -> dict[str, Event]:
    """Return the events of a stretch, by unique_id, that rollbacks may wait for; mostly there are none.

    Where very many wait, all events are taken for such: to look each up costs less than to read who waits.
    An erased one doesn't tell its unique_id: where there is one the log is asked for all that is waited for.
    """
    events = [*stretch.played.events, *stretch.others.events]
    is_any_erased = any(not event.unique_id for event in stretch.others.events)
    most = None if is_any_erased else len(events) // 4 + 1
    awaited = fetch_all(connection, SQL.awaited, {**scope._asdict(), "limit": most}, str)
    if is_any_erased:
        return find_events(connection, scope.tenant_id, awaited, stretch.last) if awaited else {}
    if len(awaited) == most:
        return {event.unique_id: event for event in events}
    wanted = set(awaited)
    return (
        {event.unique_id: event for event in events if event.unique_id in wanted} if wanted else {}
    )


class _Row(NamedTuple):
    position: int
    unique_id: str
    player_id: str
    game_id: str
    round_id: str
    timestamp: datetime
    amount: Decimal
    currency: str
    is_win: bool
    is_bonus: bool
    bonus_amount: Decimal | None
    reference: str | None
    reason: str | None
    status: Status

    def event(self) -> RolledBack:
        """Return what was recorded."""
        event = (
            self.unique_id,
            Instant.combine(self.timestamp.date(), self.timestamp.timetz()),
            self.player_id,
            self.game_id,
            self.round_id,
            self.amount,
            self.currency,
            self.is_bonus,
            self.reference,
            self.reason,
        )
        if self.bonus_amount is None:
            return (WinRolledBack if self.is_win else BetRolledBack)(*event)
        return (SplitWinRolledBack if self.is_win else SplitBetRolledBack)(
            *event, bonus_amount=self.bonus_amount
        )


def _columns(rollback: RolledBack) -> tuple[object, ...]:
    return (
        rollback.unique_id,
        rollback.player_id,
        rollback.game_id,
        rollback.round_id,
        rollback.timestamp,
        rollback.amount,
        rollback.currency,
        isinstance(rollback, WinRolledBack),
        rollback.is_bonus,
        rollback.bonus_amount if isinstance(rollback, Split) else None,
        rollback.reference,
        rollback.reason,
    )


def _standing(
    connection: Connection, scope: Scope, references: Iterable[str]
) -> Mapping[int, tuple[RolledBack, Status]]:
    """Return the rollbacks of these references that are not repeated, as they are known so far."""
    parameters = {**scope._asdict(), "references": array(list(references))}
    found = fetch_all(connection, SQL.standing, parameters, _Row, binary=True)
    return {row.position: (row.event(), row.status) for row in found}


class RollbackFilters(Struct, frozen=True):
    """Which rollbacks; the times are about when they happened."""

    player_id: Id | None = None
    game_id: Id | None = None
    round_id: Id | None = None
    status: Status | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class RollbackView(Struct, frozen=True):
    """A rollback, and what it takes back as far as its `reference` tells; it counts either way.

    `matched`: that is recorded, with the same player, game, round, amount, currency, is_win and is_bonus;
    `mismatched`: it is recorded otherwise; `repeated`: an earlier rollback has the same reference;
    `unmatched`: there is no such event; `unreferenced`: there is no reference.

    Of one that moved real and bonus money, `bonus_amount` was bonus money, and the rest real.
    """

    unique_id: str
    position: int
    player_id: str
    game_id: str
    round_id: str
    timestamp: datetime
    amount: Amount
    currency: str
    is_win: bool
    is_bonus: bool
    reference: str | None
    reason: str | None
    status: Status
    bonus_amount: Amount | UnsetType = UNSET


RollbackPlace = tuple[datetime, Position]
"""Time and position: the order of rollbacks, backwards."""


def find_rollbacks(
    seen: Snapshot, filters: RollbackFilters, after: RollbackPlace | None, limit: int
) -> Rows[RollbackView, RollbackPlace]:
    """List rollbacks, newest first; fewer than `limit` where their reasons are long."""
    after_at, after_position = after or (None, None)
    found = select_pairs(
        seen,
        SQL.find_rollbacks,
        "selected",
        _Row,
        filters,
        after_at=after_at,
        after_position=after_position,
        limit=limit + 1,
        page_bytes=PAGE_BYTES,
    )
    views = [(selected, _view(row)) for selected, row in found]
    return measured_rows(views, limit, lambda view: (view.timestamp, view.position))


def _view(row: _Row) -> RollbackView:
    bonus = UNSET if row.bonus_amount is None else plain(row.bonus_amount)
    return RollbackView(**row._asdict() | {"amount": plain(row.amount), "bonus_amount": bonus})
