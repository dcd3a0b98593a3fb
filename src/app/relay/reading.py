"""The next events of a log as messages: what is sent of an event is what history shows of it."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from app.log.append import head
from app.log.histories import ids_by_position
from app.log.history import HistoryEntry, HistoryFilters, read_stretch
from app.log.history_lines import ndjson_line
from app.log.leaves import Log, current_log
from domain.evidence.leaves import LOG_ID_BYTES
from domain.relaying import message_id, topics_of
from postgres.connections import Connection

MESSAGES_AT_ONCE = 2_000
_BYTES_AT_ONCE = 2 * 1024 * 1024


class Message(NamedTuple):
    """An event on its way: `body` is JSON, the line of history with the id and the tenant before it.

    `read_s`: when it was read, by time.monotonic().
    """

    id: str
    tenant: str
    position: int
    stream: str
    event: str
    type: str
    body: bytes
    read_s: float


class Piece(NamedTuple):
    """Some messages, the position up to which there is nothing else, and whether the log goes on."""

    messages: list[Message]
    until: int
    has_more: bool


class _OfTopics(HistoryFilters, frozen=True):
    """The whole log, but of some topics alone."""

    only: tuple[str, ...] | None = None

    def topics(self) -> list[str] | None:
        return None if self.only is None else list(self.only)


def read_piece(
    connection: Connection,
    tenant_id: int,
    tenant: str,
    events: Sequence[str] | None,
    after: int,
    most: int = MESSAGES_AT_ONCE,
) -> Piece:
    """Read the next messages after a position, `most` of them, up to the head of the log at most.

    Positions have no gaps: they are given under the log's lock, in the transaction that adds the events. Of
    what was erased by now there is no `data`. Raises domain.relaying.UnknownEventError, KeyError for a
    topic that this version does not know, psycopg.Error.
    """
    topics = topics_of(events)
    until = head(connection, tenant_id)
    stretch = read_stretch(
        connection,
        tenant_id,
        _OfTopics(only=None if topics is None else tuple(topics)),
        after=after,
        until=until,
        limit=min(most, MESSAGES_AT_ONCE),
        limit_bytes=_BYTES_AT_ONCE,
    )
    # After the events: a history that begins in between is not that of their positions.
    ids = ids_by_position(
        connection, current_log(connection, tenant_id) or Log(tenant_id, 0, bytes(LOG_ID_BYTES))
    )
    messages = list(_messages(tenant, stretch.entries, ids))
    if stretch.last_position is None:
        return Piece(messages, max(until, after), has_more=False)
    return Piece(messages, stretch.last_position, has_more=True)


def _messages(
    tenant: str, entries: Sequence[HistoryEntry], ids: list[tuple[int | None, bytes]]
) -> Iterator[Message]:
    named = msgspec.json.encode(tenant)
    left, now_s = list(ids), time.monotonic()
    for entry in entries:
        while (end := left[0][0]) is not None and end < entry.position and len(left) > 1:
            left.pop(0)
        id_ = message_id(left[0][1], entry.position)
        line = ndjson_line(entry)
        body = b'{"id":"%b","tenant":%b,%b' % (id_.encode(), named, line[1:-1])
        yield Message(
            id_, tenant, entry.position, entry.stream, entry.event, entry.type, body, now_s
        )
