"""History: the log as it was recorded, filtered, in stretches of bounded size.

The log only grows, and at its end: what is read up to a head needs no snapshot, and long answers are
put together from short queries.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from app.log.versions import last_version, position_of, version_at
from domain.fasttrack import DIALECT, PAYLOADS, event_of
from domain.ids import Id, Position
from domain.item_types import EVENT_TYPES, EventType
from domain.streams import game_stream, player_stream
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading stretches of the log."""

    stretch_of_log: Statement
    stretch_of_stream: Statement
    stretch_of_rare_topic: Statement
    end_of_rare_stretch: Statement


SQL = Sql(__file__)

STRETCH_EVENTS = 20_000
"""How many events a query looks at, at most, where filters may leave few of them."""
PAGE_BYTES = 4 * 1024 * 1024
"""How many bytes of data a page gives, but for the one event that goes beyond."""
LINES_BYTES = 512 * 1024
"""The same of lines that are read at once: they are held until the client has taken them."""
_LINES_AT_ONCE = 1_000
COMMON_TOPICS = frozenset(("BetPlaced", "WinPaid"))
"""Those without an index of their own."""


class HistoryFilters(Struct, frozen=True):
    """Which part of the log. player_id and game_id name a stream, so only one of them can be given.

    `order` is that of pages, by position; what is not read in pages is always `asc`.
    """

    player_id: Id | None = None
    game_id: Id | None = None
    event: EventType | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")
    from_position: Position | None = None
    to_position: Position | None = None
    order: Literal["asc", "desc"] = "asc"

    def stream(self) -> str | None:
        """Name the stream that is asked for. Raises ValueError for two."""
        if self.player_id is not None and self.game_id is not None:
            raise ValueError("a history is of one player or of one game")
        if self.player_id is not None:
            return player_stream(self.player_id)
        return None if self.game_id is None else game_stream(self.game_id)

    def topics(self) -> list[str] | None:
        """List the topics that are asked for, None for all."""
        if self.event is None:
            return None
        return [topic for topic, event in EVENT_TYPES.items() if event == self.event]


class HistoryEntry(Struct, frozen=True):
    """A recorded event: `event` is its wire type, `type` the domain event, `data` as it was sent.

    Of one that was erased `data` is null, and `erased` the position at which that is recorded. One that came
    in another `dialect` is in the log under the topic `type.dialect`.
    """

    position: int
    stream: str
    version: int
    event: EventType
    type: str
    recorded_at: datetime
    data: msgspec.Raw
    erased: int | UnsetType = UNSET
    dialect: Literal["fasttrack"] | UnsetType = UNSET


class Stretch(NamedTuple):
    """Some entries, oldest first, and the position after which to go on, None at the end."""

    entries: list[HistoryEntry]
    last_position: int | None


def read_stretch(
    connection: Connection,
    tenant_id: int,
    filters: HistoryFilters,
    *,
    after: int,
    until: int,
    limit: int,
    limit_bytes: int,
) -> Stretch:
    """Read the next entries after position `after`, up to position `until` at most.

    There may be fewer than `limit`, even none, before the end: of `data` no more is read once that are
    `limit_bytes`. Raises ValueError where the filters
    name a player and a game.
    """
    after = max(after, (filters.from_position or 0) - 1)
    if filters.to_position is not None:
        until = min(until, filters.to_position)
    if after >= until:
        return Stretch([], None)
    bounds: dict[str, Any] = {"tenant_id": tenant_id, "after": after, "until": until}
    stream, topics = filters.stream(), filters.topics()
    if stream is not None:
        bounds |= {"stream": stream, "topics": topics}
        statement, end = SQL.stretch_of_stream, _bound_stream(connection, bounds)
    elif topics is not None and not COMMON_TOPICS.intersection(topics):
        stretches = []
        for topic in topics:
            of_topic, end = {**bounds, "topic": topic}, until
            if filters.at_or_after is not None or filters.before is not None:
                end = _bound_rare_topic(connection, of_topic)
            most = (limit, limit_bytes)
            stretches.append(
                _read(connection, SQL.stretch_of_rare_topic, of_topic, filters, (end, until), most)
            )
        return _merge(stretches, limit, limit_bytes)
    else:
        bounds |= {"topics": topics}
        statement, end = SQL.stretch_of_log, min(after + STRETCH_EVENTS, until)
    return _read(connection, statement, bounds, filters, (end, until), (limit, limit_bytes))


def _read(
    connection: Connection,
    statement: Statement,
    bounds: dict[str, Any],
    filters: HistoryFilters,
    ends: tuple[int, int],
    most: tuple[int, int],
) -> Stretch:
    """Read a stretch up to the first of `ends` where the log is asked for up to the second."""
    end, until = ends
    entries, is_cut = read_entries(connection, statement, {**bounds, "until": end}, filters, most)
    if is_cut:
        return Stretch(entries, entries[-1].position)
    return Stretch(entries, end if end < until else None)


def read_entries(
    connection: Connection,
    statement: Statement,
    bounds: Mapping[str, Any],
    filters: HistoryFilters,
    most: tuple[int, int],
) -> tuple[list[HistoryEntry], bool]:
    """Read entries within `bounds`, so many of so many bytes at `most`; and whether there are more."""
    limit, limit_bytes = most
    found = fetch_all(
        connection,
        statement,
        {
            **bounds,
            "at_or_after": filters.at_or_after,
            "before": filters.before,
            "limit": limit + 1,
            "limit_bytes": limit_bytes,
        },
        EntryRow,
        prepare=False,  # one plan for all combinations of filters would be a bad one
        binary=True,
    )
    entries = [entry for row in found[:limit] if (entry := entry_of(row)) is not None]
    return entries, len(entries) < len(found)


def _merge(stretches: list[Stretch], limit: int, limit_bytes: int) -> Stretch:
    """Put stretches of several topics into one, which ends where the first of them does."""
    if len(stretches) == 1:
        return stretches[0]
    last = min(
        (each.last_position for each in stretches if each.last_position is not None), default=None
    )
    found = sorted(
        (
            entry
            for each in stretches
            for entry in each.entries
            if last is None or entry.position <= last
        ),
        key=lambda entry: entry.position,
    )
    return fit(found, limit, limit_bytes, last)


def fit(found: Iterable[HistoryEntry], limit: int, limit_bytes: int, last: int | None) -> Stretch:
    """Take what fits into a page; where that is all, the stretch ends at `last`."""
    entries: list[HistoryEntry] = []
    held_bytes = 0
    for entry in found:
        if len(entries) == limit or held_bytes >= limit_bytes:
            return Stretch(entries, entries[-1].position)
        entries.append(entry)
        held_bytes += len(bytes(entry.data))
    return Stretch(entries, last)


def read_next(
    connection: Connection, tenant_id: int, filters: HistoryFilters, *, after: int, until: int
) -> Stretch:
    """Read the next entries, as many as are held at once. Raises as `read_stretch`."""
    return read_stretch(
        connection,
        tenant_id,
        filters,
        after=after,
        until=until,
        limit=_LINES_AT_ONCE,
        limit_bytes=LINES_BYTES,
    )


def is_of(entry: HistoryEntry, filters: HistoryFilters) -> bool:
    """Return whether filters let an entry through, but for their times, which an entry does not show."""
    stream, position = filters.stream(), entry.position
    return (
        (stream is None or entry.stream == stream)
        and (filters.event is None or entry.event == filters.event)
        and (filters.from_position is None or position >= filters.from_position)
        and (filters.to_position is None or position <= filters.to_position)
    )


def _bound_stream(connection: Connection, bounds: dict[str, Any]) -> int:
    """Bound the versions to look at, into `bounds`; gives the position where they end."""
    tenant_id, stream = bounds["tenant_id"], bounds["stream"]
    last = last_version(connection, tenant_id, stream)
    first = 1
    if last > STRETCH_EVENTS:
        first += version_at(connection, tenant_id, stream, bounds["after"], last)
    bounds["first_version"] = first
    bounds["last_version"] = first + STRETCH_EVENTS - 1
    if last <= bounds["last_version"]:
        return int(bounds["until"])
    end = position_of(connection, tenant_id, stream, bounds["last_version"])
    return min(end, int(bounds["until"]))


def _bound_rare_topic(connection: Connection, bounds: dict[str, Any]) -> int:
    """Return the position where the events to look at end."""
    parameters = {**bounds, "length": STRETCH_EVENTS}
    end = fetch_one(connection, SQL.end_of_rare_stretch, parameters, int, prepare=False)
    return int(bounds["until"]) if end is None else end


class EntryRow(NamedTuple):
    """An event as it is read; without its state where that didn't fit."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: datetime
    state: bytes | None
    erased: int | None


def entry_of(row: EntryRow) -> HistoryEntry | None:
    """Show an event as it was read; None where its state was left out."""
    if row.state is None:
        return None
    return HistoryEntry(
        row.position,
        row.stream,
        row.version,
        EVENT_TYPES[row.topic],
        event_of(row.topic),
        row.recorded_at,
        msgspec.Raw(row.state),
        UNSET if row.erased is None else row.erased,
        DIALECT if row.topic in PAYLOADS else UNSET,
    )
