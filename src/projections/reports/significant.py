"""Significant events: what an auditor looks at first, of all kinds, in order of time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from msgspec import Struct, field

from domain.events import TOPICS, SplitWin, WinPaid
from domain.instant import as_datetime
from domain.money import plain
from domain.split import kind_of
from postgres.statements import Statement, Statements
from projections.reading import Amount, Snapshot, read_events, select
from projections.reports.flags import Flag, flag_changes
from projections.reports.late import last_position_by, late_events
from projections.reports.restated import begun_days
from projections.reports.shape import MOST_READ, MOST_ROWS, Content, readable, whole


class Sql(Statements):
    """Finding what is significant."""

    conflicts_between: Statement
    refused_between: Statement
    keys_between: Statement
    winners: Statement
    winning_positions: Statement


SQL = Sql(__file__)

Significance = Literal["conflict", "late", "win", "block", "consent", "refused", "key"]
KINDS: tuple[Significance, ...] = get_args(Significance)

_AT_ONCE = 1_000
_FIRST, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class SignificantFilters(Struct, frozen=True):
    """Of which time, which kinds, and from which amount on a win is significant."""

    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    kind: tuple[Significance, ...] = KINDS
    threshold: Decimal | None = None

    @property
    def begin(self) -> datetime:
        """The beginning of the time."""
        return self.at_or_after or _FIRST

    @property
    def end(self) -> datetime:
        """The end of the time."""
        return self.before or _NEVER


class SignificantRow(Struct, frozen=True):
    """Something significant. What it has not is null; `detail` says the rest in words."""

    at: datetime
    kind: Significance
    player_id: str | None = None
    unique_id: str | None = None
    position: int | None = None
    currency: str | None = None
    amount: Amount | None = None
    detail: str = ""


def report_significant(seen: Snapshot, filters: SignificantFilters, now: datetime) -> Content:
    """Report what is significant. Raises TooLongError."""
    find: Mapping[Significance, Callable[[], Iterable[SignificantRow]]] = {
        "conflict": lambda: _conflicts(seen, filters),
        "late": lambda: _late(seen, filters, now),
        "win": lambda: _wins(seen, filters),
        "block": lambda: _changes(seen, filters, "block"),
        "consent": lambda: _changes(seen, filters, "consent"),
        "refused": lambda: _refused(seen, filters),
        "key": lambda: _keys(seen, filters),
    }
    rows: list[SignificantRow] = []
    for row in (row for kind in filters.kind for row in find[kind]()):
        rows.append(row)
        whole(rows)
    rows.sort(key=lambda row: (row.at, row.position or 0))
    return Content(rows, [], [])


class _Conflict(NamedTuple):
    unique_id: str
    position: int
    received_at: datetime
    event: str


def _conflicts(seen: Snapshot, filters: SignificantFilters) -> Iterator[SignificantRow]:
    found = select(
        seen,
        SQL.conflicts_between,
        _Conflict,
        begin=filters.begin,
        end=filters.end,
        head=seen.position,
        limit=MOST_ROWS + 1,
    )
    for each in found:
        yield SignificantRow(
            each.received_at,
            "conflict",
            unique_id=each.unique_id,
            position=each.position,
            detail=f"another {each.event} with the same unique_id was refused",
        )


def _late(seen: Snapshot, filters: SignificantFilters, now: datetime) -> Iterator[SignificantRow]:
    known = 0
    for begin in begun_days(seen, filters.at_or_after, filters.before):
        day = seen.days.of(begin)
        if seen.days.end(day) > now:
            return
        known = last_position_by(seen, seen.days.end(day), known)
        for position, event in late_events(seen, begin, seen.days.end(day), known):
            yield SignificantRow(
                as_datetime(event.timestamp),
                "late",
                event.player_id,
                event.unique_id,
                position,
                event.currency,
                plain(event.amount),
                f"{TOPICS[kind_of(event)]} was recorded when the gaming day {day} had ended",
            )


def _wins(seen: Snapshot, filters: SignificantFilters) -> Iterator[SignificantRow]:
    """Yield the wins from the threshold on: only days and periods that have won as much are looked into."""
    if filters.threshold is None:
        return
    between: dict[str, Any] = {
        "begins_at": filters.at_or_after and seen.days.begin_of(filters.at_or_after),
        "ends_at": filters.before,
        "threshold": filters.threshold,
        "limit": MOST_READ + 1,
    }
    players = select(seen, SQL.winners, str, **between)
    readable(players)
    positions = select(seen, SQL.winning_positions, int, players=players, **between)
    readable(positions)
    for start in range(0, len(positions), _AT_ONCE):
        for position, event in read_events(seen, positions[start : start + _AT_ONCE]):
            if (
                isinstance(event, WinPaid)
                and event.amount >= filters.threshold
                and filters.begin <= event.timestamp < filters.end
            ):
                yield SignificantRow(
                    as_datetime(event.timestamp),
                    "win",
                    event.player_id,
                    event.unique_id,
                    position,
                    event.currency,
                    plain(event.amount),
                    f"in game {event.game_id}, {_money(event)} money",
                )


def _money(event: WinPaid) -> str:
    if isinstance(event, SplitWin):
        return f"{plain(event.bonus_amount)} of it bonus"
    return "bonus" if event.is_bonus else "real"


def _changes(seen: Snapshot, filters: SignificantFilters, kind: Flag) -> Iterator[SignificantRow]:
    for each in flag_changes(seen, kind, filters.begin, filters.end):
        yield SignificantRow(
            each.recorded_at,
            kind,
            each.event.player_id,
            each.event.unique_id,
            each.position,
            detail=", ".join(f"{name}: {_word(value)}" for name, value in each.said.items()),
        )


def _word(value: bool | None) -> str:  # noqa: FBT001 (what is written)
    return "null" if value is None else str(value).lower()


class _Refused(NamedTuple):
    received_at: datetime
    unique_id: str | None
    event: str | None
    times: int


def _refused(seen: Snapshot, filters: SignificantFilters) -> Iterator[SignificantRow]:
    found = select(
        seen,
        SQL.refused_between,
        _Refused,
        begin=filters.begin,
        end=filters.end,
        limit=MOST_ROWS + 1,
    )
    for each in found:
        yield SignificantRow(
            each.received_at,
            "refused",
            unique_id=each.unique_id,
            detail=f"an invalid item {each.event or 'of no type'} was left out, sent {each.times} times",
        )


class _Key(NamedTuple):
    at: datetime
    detail: str


def _keys(seen: Snapshot, filters: SignificantFilters) -> Iterator[SignificantRow]:
    for each in select(seen, SQL.keys_between, _Key, begin=filters.begin, end=filters.end):
        yield SignificantRow(each.at, "key", detail=each.detail)
