"""Log: what was recorded, newest first and live, and each event with its proof."""

import re
from http import HTTPStatus
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Template

from api.console.asking import Answer, Question, Refusal, Value
from api.console.place import Place
from api.console.telling import EVENT_TYPES, Entries, Entry, tell
from api.console.templates import address
from api.console.visits import Visit
from domain.streams import GAME, PLAYER

PLACE = Place("Log", "/console/log", "audit")

TYPES: dict[str, str] = {
    "BetPlaced": "Bet",
    "WinPaid": "Win",
    "BetRolledBack": "Bet taken back",
    "WinRolledBack": "Win taken back",
    "RoundEnded": "End of the round",
    "Deposited": "Deposit",
    "Withdrawn": "Withdrawal",
    "LoggedIn": "Login",
    "PlayerUpdated": "Profile",
    "ConsentsUpdated": "Consents",
    "BlocksUpdated": "Blocks",
    "GameUpdated": "Game",
    "PlayerErased": "Erasure",
}
"""What events are called where they come live."""

_FILTERS = ("event", "player_id", "game_id", "from_position", "to_position")
_ON_A_PAGE = 50
_POSITION = re.compile(r"[1-9]\d{0,17}", re.ASCII)


@get("/console/log")
async def list_events(visit: NamedDependency[Visit]) -> Template:
    """List what was recorded, newest first, by filters."""
    filters = visit.parameters(*_FILTERS) | {"from": visit.moment("from"), "to": visit.moment("to")}
    asked: dict[str, Value] = {
        **filters,
        "order": "desc",
        "limit": _ON_A_PAGE,
        "cursor": visit.parameter("cursor"),
    }
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
        live=None if visit.parameter("cursor") else _live(visit, found, filters),
    )


def _live(visit: Visit, found: Answer, filters: dict[str, str]) -> dict[str, Any]:
    """Return what the page needs to show what is recorded from now on."""
    after = found.log_position + 1
    first = max(after, int(filters["from_position"] or 0))
    given = {**filters, "from_position": first, "log_id": found.log_id}
    return {
        "stream": address("/console/api/v1/history", **given),
        "zone": visit.zone.key,
        "types": TYPES,
    }


@get("/console/log/event")
async def show_event(visit: NamedDependency[Visit]) -> Template:
    """Show an event as it was recorded, what stands beside it, and its proof."""
    given = visit.parameter("position")
    if not _POSITION.fullmatch(given):
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
    before, after = await _neighbours(visit, shown.entry)
    return visit.page(
        "log/event.html", told=shown, head=found.log_position, before=before, after=after
    )


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


ROUTES = [list_events, show_event]
