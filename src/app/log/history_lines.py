"""Entries of the log as text: lines of JSON, and server-sent events."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from app.log.append import head
from app.log.history import HistoryEntry, HistoryFilters, read_next
from postgres.connections import Pool


def ndjson_line(entry: HistoryEntry) -> bytes:
    """Write an entry as one line of JSON. Line breaks in `data` become spaces."""
    return _on_one_line(entry) + b"\n"


def ndjson_lines(entries: Sequence[HistoryEntry]) -> bytes:
    """Write entries as lines of JSON."""
    return b"".join(map(ndjson_line, entries))


def event_stream_message(entry: HistoryEntry) -> bytes:
    """Write an entry as a server-sent event (HTML standard, section 9.2), its position as the id."""
    return b"id: %d\ndata: %b\n\n" % (entry.position, _on_one_line(entry))


def event_stream_messages(entries: Sequence[HistoryEntry]) -> bytes:
    """Write entries as server-sent events."""
    return b"".join(map(event_stream_message, entries))


def event_stream_end(position: int) -> bytes:
    """Write that nothing follows up to a position: no event, but what a client would reconnect with."""
    return b"id: %d\n\n" % position


def read_lines(
    pool: Pool,
    tenant_id: int,
    filters: HistoryFilters,
    *,
    after: int,
    until: int,
    write: Callable[[Sequence[HistoryEntry]], bytes],
) -> tuple[bytes, int | None]:
    """Read the next entries, written out, with the position after which to go on."""
    with pool.connection() as connection:
        entries, last_position = read_next(connection, tenant_id, filters, after=after, until=until)
    return write(entries), last_position


def replay(pool: Pool, tenant_id: int, filters: HistoryFilters) -> Iterator[bytes]:
    """Return a tenant's history up to the present head as NDJSON, some lines at once.

    In constant memory, by short queries. Raises one of `postgres.errors.UNAVAILABLE`, also
    between two pieces: then what was given is not the whole.
    """
    with pool.connection() as connection:
        until = head(connection, tenant_id)
    after: int | None = 0
    while after is not None:
        lines, after = read_lines(
            pool, tenant_id, filters, after=after, until=until, write=ndjson_lines
        )
        if lines:
            yield lines


def _on_one_line(entry: HistoryEntry) -> bytes:
    # JSON as msgspec writes it has no line break, and in the client's own text they are no part of a string.
    return msgspec.json.encode(entry).replace(b"\r", b" ").replace(b"\n", b" ")
