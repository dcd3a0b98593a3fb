"""Blocks and consents of players: which updates changed what their profile says, in the order of the log."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import UNSET

from domain.decoding import topics_of
from domain.events import BlocksUpdated, ConsentsUpdated, PlayerUpdated, is_bare
from domain.instant import Instant
from postgres.statements import Statement, Statements
from projections.reading import Snapshot, read_events, select
from projections.reports.late import last_position_by
from projections.reports.shape import MOST_READ, readable


class Sql(Statements):
    """Finding updates of players."""

    updates_between: Statement


SQL = Sql(__file__)

Flag = Literal["block", "consent"]

_AT_ONCE = 1_000


class Change(NamedTuple):
    """An update that changed flags of a player, and what it says of those: each by its own name."""

    position: int
    recorded_at: datetime
    event: PlayerUpdated
    said: Mapping[str, bool | None]


class _Told(NamedTuple):
    """By which member of a profile flags are told, and by which event of their own."""

    member: str
    event: type[PlayerUpdated]
    flags: str


_TOLD: Mapping[Flag, _Told] = {
    "block": _Told("is_blocked", BlocksUpdated, "blocks"),
    "consent": _Told("consent_email", ConsentsUpdated, "consents"),
}


class _Update(NamedTuple):
    position: int
    recorded_at: datetime
    stream: str


_Said = dict[tuple[str, str], tuple[tuple[Instant, str], bool]]
"""What the last update, by its time, says of each player and flag."""


def flag_changes(seen: Snapshot, kind: Flag, begin: datetime, end: datetime) -> Iterator[Change]:
    """Yield the updates that were recorded in a time and changed flags of a kind.

    As in the profile, of several updates the one with the latest time counts, whatever is recorded last. What
    is not known, or null, is no block and no consent. Raises TooLongError.
    """
    told = _TOLD[kind]
    begun, ended = last_position_by(seen, begin), last_position_by(seen, end)
    found = _find(seen, told, begun, ended)
    if not found:
        return
    before = _find(seen, told, 0, begun, sorted({each.stream for each in found}))
    known: _Said = {}
    for _, event in _read(seen, [each.position for each in before]):
        _take(known, event, told)
    recorded_at = {each.position: each.recorded_at for each in found}
    for position, event in _read(seen, [*recorded_at]):
        said = _take(known, event, told)
        if said:
            yield Change(position, recorded_at[position], event, said)


def _find(
    seen: Snapshot, told: _Told, after: int, until: int, streams: Sequence[str] | None = None
) -> list[_Update]:
    found = select(
        seen,
        SQL.updates_between,
        _Update,
        streams=streams,
        after=after,
        until=until,
        topics=[*topics_of(PlayerUpdated), *topics_of(told.event)],
        always=topics_of(told.event),
        member=told.member.encode(),
        limit=MOST_READ + 1,
    )
    readable(found)
    return found


def _read(seen: Snapshot, positions: Sequence[int]) -> Iterator[tuple[int, PlayerUpdated]]:
    for start in range(0, len(positions), _AT_ONCE):
        found = read_events(seen, positions[start : start + _AT_ONCE])
        for position, event in sorted(found, key=lambda each: each[0]):
            if isinstance(event, PlayerUpdated) and not is_bare(event):
                yield position, event


def _take(known: _Said, event: PlayerUpdated, told: _Told) -> dict[str, bool | None]:
    """Add what an update says to what is known; returns that of it which changed it."""
    said: Mapping[str, bool | None] = getattr(event, told.flags, {})
    value = getattr(event, told.member)
    if not said and value is not UNSET:
        said = {told.member: value}
    changed: dict[str, bool | None] = {}
    for name, flag in said.items():
        at, whose = (event.timestamp, event.unique_id), (event.player_id, name)
        before = known.get(whose)
        if before is None or at >= before[0]:
            known[whose] = at, bool(flag)
            if bool(flag) != (before is not None and before[1]):
                changed[name] = flag
    return changed
