"""History as one stream: whole up to the present head, or live from then on."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from litestar import Request, Response

from api.http.accept import CSV, EVENT_STREAM
from api.http.auth import key_id_of
from api.http.direct import direct_write
from api.http.headers import LAST_EVENT_ID, joined
from api.http.leaving import WhileClientStays
from api.http.problems import ProblemError
from api.http.streams import Streamed
from api.querying.epochs import check_still, own_log
from api.querying.listeners import COMMENT, Found, Listener, Piece
from api.querying.parameters import Asked, Fault, Query
from api.querying.queries import Queries
from api.querying.replica import ReplicaAwayError
from api.querying.tables import answer_headers, csv_headers
from app.evidence.proving import sealed_size
from app.log.append import head
from app.log.history import HistoryEntry, HistoryFilters, read_next
from app.log.history_lines import event_stream_end, event_stream_messages, ndjson_lines, read_lines
from postgres.connections import Connection, Pool

_EVENT_ID = re.compile(r"(?:([0-9a-f]{32}):)?(0|[1-9]\d{0,17})", re.ASCII)

_LIVE_HEADERS = {
    # Neither a cache nor a proxy that gathers answers (nginx and its kin) may hold an event back.
    "Cache-Control": "no-cache, no-store",
    "X-Accel-Buffering": "no",
}

AskedHistory = Asked[HistoryFilters, int]

_Write = Callable[[Sequence[HistoryEntry]], bytes]


async def whole(
    request: Request[Any, Any, Any],
    asked: AskedHistory,
    queries: Queries,
    query: Query[HistoryFilters, int],
) -> Response[Any]:
    """Answer with all entries up to the present head, in constant memory, as NDJSON or as CSV."""
    queries.open_stream()
    size, until = await queries.logged(asked, _sealed_size(asked))
    headers, header = answer_headers(until) | evidence_header(size), b""
    write: _Write = ndjson_lines
    if asked.media_type == CSV:
        lines = query.csv_rows(asked)
        headers |= csv_headers(query, until)
        header, write = lines.header, lines.write
    async with WhileClientStays(request.scope, request.receive):
        first = await _read(asked, queries, write, after=0, until=until)
    first = first._replace(lines=header + first.lines)
    return Streamed(
        _follow_to_head(request, asked, queries, first, write),
        media_type=asked.media_type,
        headers=headers,
    )


async def live(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries
) -> Response[Any]:
    """Answer with all entries, and then with each that is recorded, until the client leaves.

    A reconnect with `Last-Event-ID` goes on after that position; where nothing can follow it is
    answered 204, upon which an EventSource stays away. Raises ProblemError: `invalid-parameters` where
    `Last-Event-ID` is no position, `other-log` where it is of another log, `beyond-head` where it is one
    that the log does not have.
    """
    log_id, last_event_id = _last_event_id(request)
    asked = asked._replace(log_id=await own_log(request, log_id))
    after = last_event_id or 0
    queries.open_stream()
    size, until = await queries.logged(asked, _sealed_size(asked), after=after)
    check_reached(after, until)
    async with WhileClientStays(request.scope, request.receive):
        first = await _read(asked, queries, event_stream_messages, after=after, until=until)
    headers = answer_headers(until) | evidence_header(size)
    if last_event_id is not None and not first.lines and _is_complete(asked, first):
        return Response(None, status_code=204, headers=headers)
    return Streamed(
        _follow_live(request, asked, queries, first),
        media_type=EVENT_STREAM,
        headers=headers | _LIVE_HEADERS,
    )


def check_reached(after: int, head: int) -> None:
    """Raise ProblemError `beyond-head` where a reader goes on behind what the log does not have.

    It was at that position before: the log that it read is not this one, but one of which an older
    backup was restored. Nothing new would look the same.
    """
    if after > head:
        raise ProblemError(
            "beyond-head",
            f"You go on after position {after}, and the head of the log is {head}. Was the log restored"
            " from a backup? What you read behind its head is not in it any more.",
            headers={"Log-Position": str(head)},
            log_position=head,
        )


def evidence_header(size: int) -> dict[str, str]:
    """Return the header that tells how much of the log is sealed."""
    return {"Evidence-Size": str(size)}


def _sealed_size(asked: AskedHistory) -> Callable[[Connection, int], int]:
    """Ask for no more than the head, and how much is sealed."""
    return lambda connection, _until: sealed_size(connection, asked.tenant_id)


def _is_complete(asked: AskedHistory, piece: Piece) -> bool:
    """Return whether nothing can follow, whatever is recorded."""
    last = asked.filters.to_position
    return last is not None and piece.next >= last


def _last_event_id(request: Request[Any, Any, Any]) -> tuple[list[bytes], int | None]:
    """Read the position after which to go on, if one is given, and the id of its log, if that is."""
    text = joined(request.headers, LAST_EVENT_ID)
    if not text:
        return [], None
    found = _EVENT_ID.fullmatch(text)
    if found is None:
        detail = "must be a position of the log, alone or as <log id>:<position>"
        fault = Fault("Last-Event-ID", "not_an_integer", detail)
        raise ProblemError("invalid-parameters", "Last-Event-ID is no position", errors=[fault])
    log_id, position = found.groups()
    return [] if log_id is None else [bytes.fromhex(log_id)], int(position)


async def _follow_to_head(
    request: Request[Any, Any, Any],
    asked: AskedHistory,
    queries: Queries,
    piece: Piece,
    write: _Write,
) -> AsyncIterator[bytes]:
    """Return what was read first, and go on reading when it is sent.

    Between two reads it holds neither a thread nor a connection.
    """
    while True:
        if piece.lines:
            yield piece.lines
        if piece.after is None:
            return
        await check_still(request, asked.log_id)
        piece = await _read(asked, queries, write, after=piece.after, until=piece.until)


async def _follow_live(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries, piece: Piece
) -> AsyncIterator[bytes]:
    """Return a comment at once, what was read first, and go on when it is sent and there is more.

    While it waits it holds neither a thread nor a connection, costs the store no query of its own, and has no
    task at work: what is recorded comes with that of other listeners. It ends when the key does, when another
    log goes on in the place of this one, when the filters leave nothing to come, and when the process ends; a
    client that comes back gets what followed.
    """
    yield COMMENT
    while True:
        if piece.lines:
            yield piece.lines
        elif piece.after is not None:
            yield COMMENT  # many stretches of which the filters leave nothing must not look like silence
        if _is_complete(asked, piece):
            yield event_stream_end(asked.filters.to_position or 0)
            return
        after = piece.next
        if piece.after is None:
            listener = _listener(request, asked, queries, after)
            own = await queries.listeners.follow(listener, asked.tenant_id, asked.log_id)
            if queries.positions.closed:
                return
            if own is not None:
                piece = own
                continue
            after = listener.at
        await check_still(request, asked.log_id)
        piece = await _read(asked, queries, event_stream_messages, after=after, until=None)


def _listener(
    request: Request[Any, Any, Any], asked: AskedHistory, queries: Queries, after: int
) -> Listener:
    async def read(filters: HistoryFilters, after: int, most: int | None) -> Found:
        def find(pool: Pool) -> Found:
            with pool.connection() as connection:
                until = _head(connection, asked, after)
                if most is not None and until - after > most:
                    return Found(None, until)
                stretch = read_next(connection, asked.tenant_id, filters, after=after, until=until)
                return Found(stretch, until)

        return await queries.piece(find)

    async def check() -> None:
        queries.check_source()
        await check_still(request, asked.log_id)

    return Listener(
        asked.filters,
        after,
        write=direct_write(request.scope),
        read=read,
        key=key_id_of(request),
        check=check,
    )


def _head(connection: Connection, asked: AskedHistory, known: int) -> int:
    """Return the head of a log, which reached `known` before.

    Raises ReplicaAwayError where it went back, as that of a standby may do that was started again.
    """
    found = head(connection, asked.tenant_id)
    if found < known:
        raise ReplicaAwayError(f"the log is at {found} there, and was at {known}")
    return found


async def _read(
    asked: AskedHistory,
    queries: Queries,
    write: _Write,
    *,
    after: int,
    until: int | None,
) -> Piece:
    """Read the next entries after `after`, up to `until` or to the present head.

    Such a piece is of bounded size, and the next one is read when the client has taken it.
    """

    def read(pool: Pool) -> Piece:
        end = until
        if end is None or queries.at_standby:
            with pool.connection() as connection:
                there = _head(connection, asked, end or after)
            end = there if end is None else end
        lines, more = read_lines(
            pool, asked.tenant_id, asked.filters, after=after, until=end, write=write
        )
        return Piece(lines, more, end)

    # Listeners that have all there is go on together: what is recorded next is read once for all of them.
    same = (asked.filters, after, write) if until is None else None
    return await queries.piece(read, shared_as=same)
