"""History from its end: pages of the log with the newest entries first, each of bounded size."""

from typing import Any, NamedTuple

from app.log.history import (
    COMMON_TOPICS,
    STRETCH_EVENTS,
    HistoryFilters,
    Stretch,
    fit,
    read_entries,
)
from app.log.versions import last_version, position_of, version_at
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading stretches of the log backwards."""

    newest_of_log: Statement
    newest_of_stream: Statement
    newest_of_rare_topic: Statement
    begin_of_rare_stretch: Statement


SQL = Sql(__file__)


class _Most(NamedTuple):
    """How much a page holds."""

    entries: int
    bytes: int


def read_newest(
    connection: Connection,
    tenant_id: int,
    filters: HistoryFilters,
    *,
    until: int,
    limit: int,
    limit_bytes: int,
) -> Stretch:
    """Read the entries up to position `until`, newest first; what is left stands before `last_position`.

    There may be fewer than `limit`, even none, before the beginning. Raises as `read_stretch`.
    """
    after = max((filters.from_position or 0) - 1, 0)
    if filters.to_position is not None:
        until = min(until, filters.to_position)
    if after >= until:
        return Stretch([], None)
    most = _Most(limit, limit_bytes)
    bounds: dict[str, Any] = {"tenant_id": tenant_id, "after": after, "until": until}
    stream, topics = filters.stream(), filters.topics()
    if stream is not None:
        bounds |= {"stream": stream, "topics": topics}
        statement, begin = SQL.newest_of_stream, _bound_stream(connection, bounds)
    elif topics is not None and not COMMON_TOPICS.intersection(topics):
        stretches = []
        for topic in topics:
            of_topic, begin = {**bounds, "topic": topic}, after
            if filters.at_or_after is not None or filters.before is not None:
                begin = _bound_rare_topic(connection, of_topic)
            stretches.append(
                _read(connection, SQL.newest_of_rare_topic, of_topic, filters, begin, most)
            )
        return _merge(stretches, most)
    else:
        bounds |= {"topics": topics}
        statement, begin = SQL.newest_of_log, max(until - STRETCH_EVENTS, after)
    return _read(connection, statement, bounds, filters, begin, most)


def _read(
    connection: Connection,
    statement: Statement,
    bounds: dict[str, Any],
    filters: HistoryFilters,
    begin: int,
    most: _Most,
) -> Stretch:
    """Read a stretch that begins after `begin`, where the log is asked for from an earlier position on."""
    entries, is_cut = read_entries(connection, statement, {**bounds, "after": begin}, filters, most)
    if is_cut:
        return Stretch(entries, entries[-1].position)
    return Stretch(entries, begin + 1 if begin > bounds["after"] else None)


def _merge(stretches: list[Stretch], most: _Most) -> Stretch:
    """Put stretches of several topics into one, which goes back as far as the shortest of them."""
    last = max(
        (each.last_position for each in stretches if each.last_position is not None), default=0
    )
    found = sorted(
        (entry for each in stretches for entry in each.entries if entry.position >= last),
        key=lambda entry: entry.position,
        reverse=True,
    )
    return fit(found, *most, last or None)


def _bound_stream(connection: Connection, bounds: dict[str, Any]) -> int:
    """Bound the versions to look at, into `bounds`; gives the position after which they begin."""
    tenant_id, stream, after = bounds["tenant_id"], bounds["stream"], int(bounds["after"])
    last = last_version(connection, tenant_id, stream)
    if last > STRETCH_EVENTS:
        last = version_at(connection, tenant_id, stream, bounds["until"], last)
    bounds["first_version"] = max(last - STRETCH_EVENTS + 1, 1)
    bounds["last_version"] = last
    if bounds["first_version"] == 1:
        return after
    begin = position_of(connection, tenant_id, stream, bounds["first_version"])
    return max(begin - 1, after)


def _bound_rare_topic(connection: Connection, bounds: dict[str, Any]) -> int:
    """Return the position after which the events to look at begin."""
    parameters = {**bounds, "length": STRETCH_EVENTS}
    begin = fetch_one(connection, SQL.begin_of_rare_stretch, parameters, int, prepare=False)
    return int(bounds["after"]) if begin is None else begin - 1
