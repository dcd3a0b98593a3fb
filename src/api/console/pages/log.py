"""Log: what was recorded, newest first and live, and each event with its proof."""

import asyncio
from http import HTTPStatus

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Template

from api.console.asking import Answer, Question, Refusal, Value
from api.console.place import Place
from api.console.positions import POSITION, backwards
from api.console.rendering import address
from api.console.telling import EVENT_TYPES, Entries, Entry, tell
from api.console.visits import Visit
from domain.streams import GAME, PLAYER

PLACE = Place("Log", "/console/log", "audit")

_FILTERS = ("event", "player_id", "game_id", "from_position", "to_position")
_ON_A_PAGE = 50
_MOST_ROWS = 200


@get("/console/log")
async def list_events(visit: NamedDependency[Visit]) -> Template:
    """List what was recorded, newest first, by filters."""
    filters = _filters(visit)
    asked: dict[str, Value] = {
        **filters,
        "order": "desc",
        "limit": _ON_A_PAGE,
        "cursor": visit.parameter("cursor"),
    }
    found: Answer | Refusal | None = backwards(filters["from_position"], filters["to_position"])
    if found is None:
        (found,) = await visit.ask_each(Question("history", asked))
    types = [*EVENT_TYPES.items()]
    if isinstance(found, Refusal):
        return visit.page(
            "log/list.html",
            status_code=found.problem.status,
            types=types,
            faults=found.faults,
            problem=found.problem,
        )
    entries = found.read(Entries)
    return visit.page(
        "log/list.html",
        types=types,
        filters=filters,
        faults={},
        problem=None,
        told=tell(entries.items),
        next_cursor=entries.next_cursor,
        is_filtered=any(filters.values()),
        live=None if visit.parameter("cursor") else _live(found, filters),
    )


def _filters(visit: Visit) -> dict[str, str]:
    return visit.parameters(*_FILTERS) | {"from": visit.moment("from"), "to": visit.moment("to")}


def _live(found: Answer, filters: dict[str, str]) -> dict[str, str]:
    """Return where the page hears of what is recorded from now on, and where it gets the rows of that."""
    after = found.log_position + 1
    first = max(after, int(filters["from_position"] or 0))
    given = {**filters, "from_position": first, "log_id": found.log_id}
    return {
        "stream": address("/console/api/v1/history", **given),
        "part": address("/console/log/rows", **given),
    }


@get("/console/log/rows", opt={"part": True})
async def show_rows(visit: NamedDependency[Visit]) -> Template:
    """Show what came meanwhile as rows, newest first, for the page that follows the log."""
    asked: dict[str, Value] = {
        **_filters(visit),
        **visit.parameters("log_id", "at_least"),
        "order": "desc",
        "limit": _MOST_ROWS,
    }
    entries: list[Entry] = []
    cursor: str | None = ""
    while cursor is not None and len(entries) < _MOST_ROWS:
        page = (await visit.ask("history", **asked, cursor=cursor)).read(Entries)
        entries += page.items
        cursor = page.next_cursor
    return visit.page("log/rows.html", told=tell(entries))


@get("/console/log/event")
async def show_event(visit: NamedDependency[Visit]) -> Template:
    """Show an event as it was recorded, what stands beside it, and its proof."""
    given = visit.parameter("position")
    if not POSITION.fullmatch(given):
        raise NotFoundException
    position = int(given)
    found = await visit.ask("history", from_position=position, to_position=position)
    told = tell(found.read(Entries).items)
    if not told:
        return visit.page(
            "log/missing.html",
            status_code=HTTPStatus.NOT_FOUND,
            position=position,
            head=found.log_position,
        )
    (shown,) = told
    (before, after), is_disputed = await asyncio.gather(
        _neighbours(visit, shown.entry), _is_disputed(visit, shown.unique_id)
    )
    return visit.page(
        "log/event.html",
        told=shown,
        head=found.log_position,
        before=before,
        after=after,
        is_disputed=is_disputed,
    )


async def _is_disputed(visit: Visit, unique_id: str | None) -> bool:
    """Return whether something else came under an event's id, as far as the key may know."""
    if unique_id is None or not visit.may("read"):
        return False
    return bool((await visit.ask("conflicts", unique_id=unique_id, limit=1)).rows)


async def _neighbours(visit: Visit, entry: Entry) -> tuple[Entry | None, Entry | None]:
    """Return the events before and after one in its stream."""
    stream = _of_stream(entry.stream)
    before: dict[str, Value] = {
        **stream,
        "to_position": entry.position - 1,
        "order": "desc",
        "limit": 1,
    }
    after: dict[str, Value] = {**stream, "from_position": entry.position + 1, "limit": 1}
    answers = await visit.ask_all(Question("history", before), Question("history", after))
    earlier, later = (answer.read(Entries).items for answer in answers)
    return (earlier[0] if earlier else None), (later[0] if later else None)


def _of_stream(stream: str) -> dict[str, str]:
    """Return what history is filtered by to show a stream."""
    if stream.startswith(GAME):
        return {"game_id": stream.removeprefix(GAME)}
    return {"player_id": stream.removeprefix(PLAYER)}


ROUTES = [list_events, show_rows, show_event]
