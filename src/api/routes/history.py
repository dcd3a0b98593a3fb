"""History: `GET /api/v1/history`, in pages or as one stream."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
import msgspec
import structlog
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.response import Stream

from api.accept import JSON, NDJSON, negotiate
from api.auth import tenant_of
from api.documentation import QUERY_PROBLEMS, operation
from api.parameters import Asked, Query
from api.queries import Page, Queries, answer, answer_headers
from app.database.connections import Connection
from app.log.history import HistoryEntry, HistoryFilters, read_lines, read_stretch
from domain.ids import Position

log = structlog.get_logger()


class History(Page[HistoryEntry], frozen=True):
    """A page of the log."""


QUERY: Query[HistoryFilters, int] = Query(
    "history",
    HistoryFilters,
    {
        "player_id": ("Only this player's own stream. Not together with game_id.", "p-1001"),
        "game_id": ("Only this game's own stream: its catalogue updates.", "btg/bonanza"),
        "event": ("Only events that were sent as this type.", "gameround"),
        "from": ("Only events that happened at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only events that happened before this time.", "2025-01-16T00:00:00Z"),
        "from_position": ("Only events at this position or behind it.", 1),
        "to_position": ("Only events at this position or before it.", 484),
    },
    place=Position,
    exclusive=("player_id", "game_id"),
)

_DATA = (
    b'{"unique_id": "bet-210", "timestamp": "2025-01-15T10:06:10Z", "player_id": "p-1001",'
    b' "game_id": "btg/bonanza", "round_id": "r-77", "amount": 1.00, "currency": "EUR",'
    b' "is_win": false, "is_bonus": false}'
)
_ENTRY = HistoryEntry(
    position=411,
    stream="player:p-1001",
    version=73,
    event="gameround",
    type="BetPlaced",
    recorded_at=datetime(2025, 1, 15, 10, 6, 11, 48_213, tzinfo=UTC),
    data=msgspec.Raw(_DATA),
)


@get(
    "/api/v1/history",
    tags=["history"],
    opt={"scope": "audit"},
    operation_class=operation(
        QUERY, History([_ENTRY], None), lines=msgspec.json.encode(_ENTRY).decode() + "\n"
    ),
    responses=QUERY_PROBLEMS,
)
async def show_history(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[History]:
    """Replay the log by position, oldest first, with each `data` as it was sent.

    By `Accept`: `application/json` gives pages, which may hold fewer entries than `limit`, even none,
    and still have a `next_cursor`. `application/x-ndjson` gives all up to the present head as one
    stream, a line for each entry, without `limit` and `cursor`; a stream that was broken off by a fault
    ends without the last chunk of its transfer coding. In it a space stands where `data` had a line
    break between its tokens.
    """
    media_type = negotiate(request, [JSON, NDJSON])
    asked = QUERY.read(
        request.scope["query_string"],
        tenant_of(request).tenant_id,
        in_pages=media_type == JSON,
    )
    response = await (_page(asked, queries) if media_type == JSON else _stream(asked, queries))
    response.headers["Vary"] = "Accept"
    return response


async def _page(asked: Asked[HistoryFilters, int], queries: Queries) -> Response[Any]:
    stretch, position = await queries.logged(
        asked,
        lambda connection, until: read_stretch(
            connection,
            asked.tenant_id,
            asked.filters,
            after=asked.after or 0,
            until=until,
            limit=asked.limit,
        ),
    )
    return answer(Page(stretch.entries, QUERY.cursor(asked, stretch.last_position)), position)


async def _stream(asked: Asked[HistoryFilters, int], queries: Queries) -> Response[Any]:
    _, until = await queries.logged(asked, _nothing)
    first = await _lines(asked, queries, after=0, until=until)
    return Stream(
        _follow(asked, queries, first, until=until),
        media_type=NDJSON,
        headers=answer_headers(until),
    )


def _nothing(_connection: Connection, _until: int) -> None:
    """Ask for no more than the head."""


async def _follow(
    asked: Asked[HistoryFilters, int],
    queries: Queries,
    first: tuple[bytes, int | None],
    *,
    until: int,
) -> AsyncIterator[bytes]:
    """Give the lines of the first read, and go on reading when they are sent.

    Between two reads it holds neither a thread nor a connection. A failure ends the transfer without
    its last chunk, so that nobody takes a part for the whole.
    """
    lines, after = first
    while True:
        if lines:
            yield lines
        if after is None:
            return
        try:
            lines, after = await _lines(asked, queries, after=after, until=until)
        except Exception:
            log.warning("a history was broken off", tenant_id=asked.tenant_id, after=after)
            raise


async def _lines(
    asked: Asked[HistoryFilters, int], queries: Queries, *, after: int, until: int
) -> tuple[bytes, int | None]:
    def read() -> tuple[bytes, int | None]:
        return read_lines(queries.pool, asked.tenant_id, asked.filters, after=after, until=until)

    return await anyio.to_thread.run_sync(read, limiter=queries.threads)
