"""History as one stream: whole up to the present head, or live from then on."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import anyio.to_thread
import structlog
from litestar import Request, Response
from litestar.response import Stream

from api.http.accept import EVENT_STREAM, NDJSON
from api.http.auth import check_key
from api.http.problems import ProblemError
from api.querying.parameters import Asked, Fault
from api.querying.positions import Awaited
from api.querying.queries import Queries, answer_headers
from app.log.append import head
from app.log.history import (
    HistoryEntry,
    HistoryFilters,
    event_stream_message,
    ndjson_line,
    read_lines,
)
from postgres.connections import Connection

# A listener hears from us that often, and its key is looked at again: a revocation holds within 10 s.
_HEARTBEAT_S = 4.0
_HEARTBEAT = b":\n\n"

_LAST_EVENT_ID = "last-event-id"
_POSITION = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)

log = structlog.get_logger()

AskedHistory = Asked[HistoryFilters, int]


class _Piece(NamedTuple):
    """What was read: entries written out, the position behind which to go on (None at `until`)."""

    lines: bytes
    after: int | None
    until: int


async def whole(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries
) -> Response[Any]:
    """Answer with all entries up to the present head, in constant memory."""
    _, until = await queries.logged(asked, _nothing)
    first = await _read(asked, queries, ndjson_line, after=0, until=until)
    return Stream(
        _follow_to_head(request, asked, queries, first),
        media_type=NDJSON,
        headers=answer_headers(until),
    )


async def live(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries
) -> Response[Any]:
    """Answer with all entries, and then with each that is recorded, until the client leaves.

    A reconnect with `Last-Event-ID` goes on behind that position. Raises ProblemError
    `invalid-parameters` where that is none.
    """
    after = _last_event_id(request)
    _, until = await queries.logged(asked, _nothing)
    first = await _read(asked, queries, event_stream_message, after=after, until=until)
    return Stream(
        _follow_live(request, asked, queries, first),
        media_type=EVENT_STREAM,
        headers=answer_headers(until),
    )


def _nothing(_connection: Connection, _until: int) -> None:
    """Ask for no more than the head."""


def _last_event_id(request: Request[Any, Any, Any]) -> int:
    text = request.headers.get(_LAST_EVENT_ID, "")
    if not text:
        return 0
    if not _POSITION.fullmatch(text):
        fault = Fault("Last-Event-ID", "not_an_integer", "must be a position of the log")
        raise ProblemError("invalid-parameters", "Last-Event-ID is no position", errors=[fault])
    return int(text)


async def _follow_to_head(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries, piece: _Piece
) -> AsyncIterator[bytes]:
    """Give what was read first, and go on reading when it is sent.

    Between two reads it holds neither a thread nor a connection. A failure ends the transfer without
    its last chunk, so that nobody takes a part for the whole.
    """
    while True:
        if piece.lines:
            yield piece.lines
        if piece.after is None:
            return
        try:
            await check_key(request, "audit")
            piece = await _read(asked, queries, ndjson_line, after=piece.after, until=piece.until)
        except Exception:
            log.warning("a history was broken off", tenant_id=asked.tenant_id, after=piece.after)
            raise


async def _follow_live(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries, piece: _Piece
) -> AsyncIterator[bytes]:
    """Give what was read first, and go on when it is sent and there is more.

    While it waits it holds neither a thread nor a connection, and costs the store no query of its own.
    It ends when the key does, when the filters leave nothing to come, and when the process ends; a
    client that comes back gets what followed.
    """
    last = asked.filters.to_position
    while True:
        if piece.lines:
            yield piece.lines
        after = piece.until if piece.after is None else piece.after
        if last is not None and after >= last:
            return
        if piece.after is None:
            awaited = Awaited("log", asked.tenant_id)
            while not await queries.positions.reached(awaited, after + 1, timeout_s=_HEARTBEAT_S):
                if queries.positions.closed:
                    return
                await check_key(request, "audit")
                yield _HEARTBEAT
        await check_key(request, "audit")
        piece = await _read(asked, queries, event_stream_message, after=after, until=None)


async def _read(
    asked: AskedHistory,
    queries: Queries,
    write: Callable[[HistoryEntry], bytes],
    *,
    after: int,
    until: int | None,
) -> _Piece:
    """Read the next entries behind `after`, up to `until` or to the present head."""

    def read() -> _Piece:
        end = until
        if end is None:
            with queries.pool.connection() as connection:
                end = head(connection, asked.tenant_id)
        lines, more = read_lines(
            queries.pool, asked.tenant_id, asked.filters, after=after, until=end, write=write
        )
        return _Piece(lines, more, end)

    return await anyio.to_thread.run_sync(read, limiter=queries.threads)
