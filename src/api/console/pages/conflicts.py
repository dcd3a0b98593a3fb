"""Conflicts: what was not recorded beside what stands, and what was left out of batches for its faults."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Template
from msgspec import Raw, Struct

from api.console.asking import Answer, Question, Refusal, Value
from api.console.comparing import Member, compare
from api.console.place import Place
from api.console.positions import backwards
from api.console.visits import Visit

PLACE = Place("Conflicts", "/console/conflicts", "read")

_ON_A_PAGE = 50
_REFUSED_ON_A_PAGE = 25
_ERASED = b"null"


class Item(Struct, frozen=True):
    """What was sent: its type, and its data digit for digit."""

    event: str
    data: Raw


class Conflict(Struct, frozen=True):
    """What was not recorded, and the event that stands at the position."""

    unique_id: str
    position: int
    received_at: datetime
    event: str
    data: Raw
    recorded: Item


class Conflicts(Struct, frozen=True):
    """A page of the register."""

    items: list[Conflict]
    next_cursor: str | None


class PointedFault(Struct, frozen=True):
    """What is wrong at a place of an item."""

    pointer: str
    code: str
    detail: str


class Refused(Struct, frozen=True):
    """An item that was left out of a batch for its faults."""

    received_at: datetime
    last_received_at: datetime
    times: int
    dialect: str
    unique_id: str | None
    event: str | None
    player_id: str | None
    data: Raw
    errors: list[PointedFault]


class RefusedItems(Struct, frozen=True):
    """A page of that register."""

    items: list[Refused]
    next_cursor: str | None


class Compared(NamedTuple):
    """A conflict, member by member; no members where one of the contents was erased."""

    conflict: Conflict
    members: list[Member]

    @property
    def is_other_type(self) -> bool:
        """Whether it was sent as another type than what stands."""
        return self.conflict.event != self.conflict.recorded.event

    @property
    def differing(self) -> list[Member]:
        """The members for which it was not recorded."""
        return [each for each in self.members if each.how not in {"same", "spelled"}]


@get("/console/conflicts")
async def list_conflicts(visit: NamedDependency[Visit]) -> Template:
    """List conflicts, with what differs."""
    filters = visit.parameters("unique_id", "from_position", "to_position")
    filters |= {"from": visit.moment("from"), "to": visit.moment("to")}
    cursor = visit.parameter("cursor")
    asked: dict[str, Value] = {**filters, "cursor": cursor, "limit": _ON_A_PAGE}
    found: Answer | Refusal | None = backwards(filters["from_position"], filters["to_position"])
    if found is None:
        (found,) = await visit.ask_each(Question("conflicts", asked))
    if isinstance(found, Refusal):
        return _refused(visit, "conflicts/list.html", found)
    page = found.read(Conflicts)
    return visit.page(
        "conflicts/list.html",
        faults={},
        problem=None,
        filters=filters,
        compared=[_compared(each) for each in page.items],
        next_cursor=page.next_cursor,
    )


@get("/console/conflicts/conflict")
async def show_conflict(visit: NamedDependency[Visit]) -> Template:
    """Show all that came for one unique_id beside what stands."""
    unique_id = visit.parameter("unique_id")
    if not unique_id:
        raise NotFoundException
    asked = {"unique_id": unique_id, "cursor": visit.parameter("cursor")}
    found = (await visit.ask("conflicts", **asked, limit=_REFUSED_ON_A_PAGE)).read(Conflicts)
    compared = [_compared(each) for each in found.items]
    status = HTTPStatus.OK if compared else HTTPStatus.NOT_FOUND
    return visit.page(
        "conflicts/conflict.html",
        status_code=status,
        unique_id=unique_id,
        compared=compared,
        next_cursor=found.next_cursor,
    )


@get("/console/conflicts/refused")
async def list_refused(visit: NamedDependency[Visit]) -> Template:
    """List what was left out of batches, with its faults."""
    filters = visit.parameters("unique_id", "event", "player_id")
    filters |= {"from": visit.moment("from"), "to": visit.moment("to")}
    cursor = visit.parameter("cursor")
    asked: dict[str, Value] = {**filters, "cursor": cursor, "limit": _REFUSED_ON_A_PAGE}
    (found,) = await visit.ask_each(Question("refused", asked))
    if isinstance(found, Refusal):
        return _refused(visit, "conflicts/refused.html", found)
    page = found.read(RefusedItems)
    return visit.page(
        "conflicts/refused.html",
        faults={},
        problem=None,
        filters=filters,
        items=page.items,
        next_cursor=page.next_cursor,
    )


def _refused(visit: Visit, template: str, refusal: Refusal) -> Template:
    """Answer with a form whose filters were refused."""
    problem = refusal.problem
    return visit.page(template, status_code=problem.status, faults=refusal.faults, problem=problem)


def _compared(conflict: Conflict) -> Compared:
    contents = conflict.recorded.data, conflict.data
    is_erased = _ERASED in map(bytes, contents)
    return Compared(conflict, [] if is_erased else compare(*contents))


ROUTES = [list_conflicts, show_conflict, list_refused]
