"""Where each stream of a log ended, as the log was at a position."""

from collections.abc import Iterator
from typing import NamedTuple

from domain.evidence.heads import Head
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements

STREAMS_AT_ONCE = 1_024


class Sql(Statements):
    """Stepping from stream to stream."""

    stream_ends: Statement


SQL = Sql(__file__)


class _End(NamedTuple):
    stream: str
    version: int | None
    position: int | None


def stream_ends(connection: Connection, tenant_id: int, until: int) -> Iterator[Head]:
    """Yield each stream that has an event up to a position, with the last one, sorted by UTF-8 bytes.

    Some streams at a time, each in a snapshot of its own: nothing at or below the position will change, so
    that none has to be kept for as long as this takes.
    """
    after = ""
    while True:
        parameters = {"tenant_id": tenant_id, "after": after, "until": until}
        ends = fetch_all(
            connection,
            SQL.stream_ends,
            {**parameters, "limit": STREAMS_AT_ONCE},
            _End,
            binary=True,
        )
        for end in ends:
            if end.version is not None and end.position is not None:
                yield Head(end.stream, end.version, end.position)
        if len(ends) < STREAMS_AT_ONCE:
            return
        after = ends[-1].stream
