"""A visit: one request of somebody who is logged in, what the key admits, and what pages are made with."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.datastructures import State
from litestar.response import Template
from msgspec import Struct

from api.console.asking import Answer, Asking, Question, Refusal
from api.console.moments import in_utc
from api.console.place import Place
from api.console.rendering import address
from api.console.sessions import Session
from api.http.problems import ProblemError
from domain.gaming_day import DayRule, GamingDays, gaming_days

Reason = Literal["ended", "revoked"]


class NobodyError(Exception):
    """Nobody is logged in. `reason`: why somebody is not any more, by their session or by their key."""

    def __init__(self, reason: Reason | None) -> None:
        """Say why, if somebody was."""
        super().__init__(reason)
        self.reason: Reason | None = reason


class ElsewhereError(Exception):
    """The key does not admit the overview; what it admits begins at `path`."""

    def __init__(self, path: str) -> None:
        """Say where."""
        super().__init__(path)
        self.path = path


class TenantOfKey(Struct, frozen=True):
    """Whose key it is."""

    name: str
    closed_at: datetime | None


class GamingDay(Struct, frozen=True):
    """When that tenant's days begin, as `06:00` in an IANA zone."""

    time_zone: str
    begins_at: str


class Key(Struct, frozen=True):
    """What the API tells of the key that asks."""

    key_id: int
    label: str
    scopes: list[str]
    expires_at: datetime | None
    tenant: TenantOfKey
    gaming_day: GamingDay


class Visit:
    """What the handler of a page has in hand: who asks, how to ask the API, and the page to answer with."""

    def __init__(self, request: Request[Any, Any, Any], asking: Asking, key: Key) -> None:
        """Begin; `begin_visit` makes it."""
        self._asking = asking
        self.request = request
        self.key = key
        self.zone = ZoneInfo(key.gaming_day.time_zone)
        self.path: str = request.scope["path"]
        self.navigation: tuple[Place, ...] = request.app.state.navigation

    @property
    def place(self) -> Place | None:
        """The place of the navigation that the page is of."""
        found = [place for place in self.navigation if place.holds(self.path)]
        return max(found, key=lambda place: len(place.path), default=None)

    @property
    def days(self) -> GamingDays:
        """The tenant's gaming days."""
        return gaming_days(DayRule.of(self.key.gaming_day.time_zone, self.key.gaming_day.begins_at))

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, which puts the answer into a page."""
        return "hx-request" in self.request.headers

    def may(self, scope: str) -> bool:
        """Return whether the key has a scope."""
        return scope in self.key.scopes

    async def ask(self, path: str, **parameters: Any) -> Answer:
        """Ask the API one thing: a path below `/api/v1/`. Raises Refusal, which becomes a page."""
        (answer,) = await self._asking.all(Question(path, parameters))
        return answer

    async def ask_all(self, *questions: Question) -> list[Answer]:
        """Ask several at once. Raises Refusal where one of them is refused."""
        return await self._asking.all(*questions)

    async def ask_each(self, *questions: Question) -> list[Answer | Refusal]:
        """Ask several at once; gives refusals among the answers, for the page to show in their places."""
        return await self._asking.each(*questions)

    def page(self, template: str, *, status_code: int = HTTPStatus.OK, **context: Any) -> Template:
        """Answer with a template, in which this is `visit`."""
        return Template(template, context={**context, "visit": self}, status_code=status_code)

    def parameter(self, name: str) -> str:
        """Return a parameter of the address, empty where it has none. Of a repeated one the first counts."""
        found: str = self.request.query_params.get(name, "")
        return found

    def parameters(self, *names: str) -> dict[str, str]:
        """Return parameters of the address by their names, for a question and to fill a form in again."""
        return {name: self.parameter(name) for name in names}

    def moment(self, name: str) -> str:
        """Return a parameter that a clock of the tenant's zone may have told, as the API takes it."""
        return in_utc(self.parameter(name), self.zone)

    def here(self, **changed: Any) -> str:
        """Return the address of the page with other parameters; None takes one away."""
        given = {**dict(self.request.query_params), **changed}
        return address(self.path, **given)


async def begin_visit(request: Request[Any, Any, Any], state: State) -> Visit:
    """Find out who asks, by the API. A dependency of every page but the login.

    Raises NobodyError, ElsewhereError where the overview is asked for, and another page is admitted, and
    ProblemError for a page that the key does not admit.
    """
    session: Session | None = state.sessions.read(request)
    if session is None:
        raise NobodyError("ended" if state.sessions.has_ended(request) else None)
    asking = Asking(state.api, request, session.key)
    try:
        (answer,) = await asking.all(Question("key"))
    except Refusal as refusal:
        if refusal.problem.name == "forbidden":
            raise NobodyError("revoked") from None
        raise
    visit = Visit(request, asking, answer.read(Key))
    request.scope["state"]["visit"] = visit  # for the page of an error
    overview, *others = visit.navigation
    if visit.path == overview.path and not visit.may(overview.scope):
        for place in others:
            if visit.may(place.scope):
                raise ElsewhereError(place.path)
    if visit.place is not None and not visit.may(visit.place.scope):
        raise ProblemError("forbidden", f"The key does not have the scope {visit.place.scope!r}.")
    return visit
