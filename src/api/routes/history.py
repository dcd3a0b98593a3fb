"""History: `GET /api/v1/history`, in pages or as one stream."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.documentation.headers import EVIDENCE_SIZE, UNBUFFERED
from api.documentation.operations import operation
from api.documentation.problems import BEYOND_HEAD, QUERY_PROBLEMS, STREAM_PROBLEMS
from api.http.accept import CSV, EVENT_STREAM, JSON, NDJSON, negotiate
from api.querying.answers import Page, answer
from api.querying.gaming_days import at_moments
from api.querying.history_streams import check_reached, evidence_header, live, whole
from api.querying.parameters import Apart, Asked, Query
from api.querying.queries import Queries, read_parameters
from app.evidence.proving import sealed_size
from app.log.history import PAGE_BYTES, HistoryEntry, HistoryFilters, Stretch, read_stretch
from app.log.history_lines import event_stream_message, ndjson_line
from app.log.newest import read_newest
from domain.ids import Position
from postgres.connections import Connection


class History(Page[HistoryEntry], frozen=True):
    """A page of the log."""


QUERY: Query[HistoryFilters, int] = Query(
    "history",
    HistoryFilters,
    {
        "player_id": ("Only this player's own stream. Not together with game_id.", "StQ-1"),
        "game_id": ("Only this game's own stream: its catalogue updates.", Apart("btg/bonanza")),
        "event": (
            "Only events that were sent as this type, or the records of what was `erased`.",
            "gameround",
        ),
        "from": ("Only events that happened at this time or later.", "2025-01-15T00:00:00Z"),
        "to": ("Only events that happened before this time.", "2025-01-16T00:00:00Z"),
        "from_position": ("Only events at this position or after it.", 1),
        "to_position": ("Only events at this position or before it.", 100),
        "order": (
            "By position: the oldest first (`asc`) or, of pages alone, the newest.",
            Apart("desc"),
        ),
    },
    place=Position,
    exclusive=("player_id", "game_id"),
    row=HistoryEntry,
)

_DATA = (
    b'{"unique_id": "win-r1", "timestamp": "2025-01-15T06:02:01Z", "player_id": "StQ-1",'
    b' "game_id": "GD8", "round_id": "r1", "amount": 1.2, "currency": "EUR", "is_win": true,'
    b' "is_bonus": false}'
)
_ENTRY = HistoryEntry(
    position=14,
    stream="player:StQ-1",
    version=4,
    event="gameround",
    type="WinPaid",
    recorded_at=datetime(2025, 1, 15, 6, 2, 1, 548_213, tzinfo=UTC),
    data=msgspec.Raw(_DATA),
)


_LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING, pattern=r"^([0-9a-f]{32}:)?(0|[1-9]\d*)$"),
    description="For `text/event-stream`: the `id` that was read last, after which to go on; or"
    " `<log id>:<id>`, which is refused where another log goes on.",
    example="1",
)


@get(
    "/api/v1/history",
    tags=["history"],
    summary="Replay the log",
    opt={"scope": "audit"},
    operation_class=operation(
        QUERY,
        History([_ENTRY], None),
        streams={
            NDJSON: ndjson_line(_ENTRY).decode(),
            EVENT_STREAM: event_stream_message(_ENTRY).decode(),
        },
        headers=[_LAST_EVENT_ID],
        answer_headers={"Evidence-Size": EVIDENCE_SIZE, "X-Accel-Buffering": UNBUFFERED},
    ),
    responses={
        **QUERY_PROBLEMS,
        **STREAM_PROBLEMS,
        204: ResponseSpec(
            None,
            description="`text/event-stream` with `Last-Event-ID` alone: nothing can follow, as the log"
            " was read up to `to_position`. An EventSource does not come back.",
        ),
        409: BEYOND_HEAD,
    },
)
async def show_history(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[History]:
    """Replay the log by position, oldest first, with each `data` as it was sent.

    By `Accept`: `application/json` gives pages, which may hold fewer entries than `limit`, even none,
    and still have a `next_cursor`; with `order=desc` the newest comes first, and what is recorded
    meanwhile is in none of them. `application/x-ndjson` gives all up to the present head as one
    stream, a line for each entry, without `limit` and `cursor`; a stream that was broken off by a fault
    ends without the last chunk of its transfer coding. In it a space stands where `data` had a line
    break between its tokens. `text/csv` gives the same as CSV, with `data` as it was sent in one cell.

    `text/event-stream` (server-sent events) gives the same, and then each event as it is recorded, with
    its position as the `id`: a reconnect with `Last-Event-ID` goes on after it without a gap or a
    repeat. A comment comes at once, and every few seconds while nothing is recorded. With `to_position`
    the stream ends there, with that position as its last `id` and no event; a reconnect after it is
    204.

    Of an event that was erased `data` is null, and `erased` the position at which that is recorded: an entry
    with the event `erased`, whose `data` names the `positions` (or the first and the last of several), the
    `reason`, `by` whom, and when (`at`, by which `from` and `to` find it).

    A `Last-Event-ID` or a `cursor` beyond the head of the log is 409 (`beyond-head`): the log was restored
    from an older backup. So is what is of another log than the one that goes on (`other-log`): a `cursor`,
    and positions that are sent with a `log_id`, which an EventSource has in its URL. A stream ends where
    another log goes on. `from_position` and `to_position` are filters and may name what is still to come.

    `Evidence-Size` tells how much of the log is sealed: up to there proofs can be asked for.

    Streams are counted by tenant and by key: one more than may be open is 429. A client that takes nothing
    of its stream for a minute is given up.
    """
    media_type = negotiate(request, [JSON, NDJSON, EVENT_STREAM, CSV])
    asked = await read_parameters(request, QUERY, media_type=media_type)
    asked = await at_moments(request, asked)
    if media_type == JSON:
        response = await _page(asked, queries)
    elif media_type == EVENT_STREAM:
        response = await live(request, asked, queries)
    else:
        response = await whole(request, asked, queries, QUERY)
    response.headers["Vary"] = "Accept"
    return response


async def _page(asked: Asked[HistoryFilters, int], queries: Queries) -> Response[Any]:
    after = asked.after or 0

    def read(connection: Connection, head: int) -> tuple[Stretch, int]:
        check_reached(after, head)
        log = (connection, asked.tenant_id, asked.filters)
        if asked.filters.order == "desc":
            until = head if asked.after is None else asked.after - 1
            stretch = read_newest(*log, until=until, limit=asked.limit, limit_bytes=PAGE_BYTES)
        else:
            stretch = read_stretch(
                *log, after=after, until=head, limit=asked.limit, limit_bytes=PAGE_BYTES
            )
        return stretch, sealed_size(connection, asked.tenant_id)

    (stretch, size), position = await queries.logged(asked, read, after=after)
    page = answer(Page(stretch.entries, QUERY.cursor(asked, stretch.last_position)), position)
    page.headers.update(evidence_header(size))
    return page
