"""When a request begins: few in each turn of the event loop, in fair order among those who ask.

What was begun goes on meanwhile. So whoever sends many requests at once waits longer for their beginning,
and makes nobody else's wait for all of them.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http.leaving import HAS_LEFT, NO_MORE_COMES
from api.http.problems import ProblemError
from api.http.refusals import REFUSAL

# The loop looks at its sockets in between, which costs little beside a request.
PER_TURN = 2

# Who closed its side and waits for so long is taken to be gone, as one whose answer takes as long.
_PATIENCE_S = 1.0
_TURN = "turn"  # where in a request's state it stands how to wait for one
_LEFT = "The client closed the connection before its request was begun."


_OfNames = OrderedDict[str | int, deque[asyncio.Future[None]]]


class Asker(NamedTuple):
    """Who asks: a tenant by one of its keys, or a stranger (no tenant) by its address."""

    tenant_id: int | None
    name: str | int


class Starts:
    """Gives turns: to the tenants one after the other, and among each one's keys one after the other.

    All strangers together are as one tenant, however many addresses they have. For one event loop.
    """

    def __init__(self, *, per_turn: int = PER_TURN) -> None:
        """Let so many begin in each turn of the event loop."""
        self._per_turn = self._left = per_turn
        self._waiting: OrderedDict[int | None, _OfNames] = OrderedDict()

    async def turn(self, asker: Asker) -> None:
        """Wait for a turn, if there is none left now."""
        if self._left and not self._waiting:
            self._take()
            return
        turn = asyncio.get_running_loop().create_future()
        names = self._waiting.setdefault(asker.tenant_id, OrderedDict())
        names.setdefault(asker.name, deque()).append(turn)
        await turn

    def _take(self) -> None:
        if self._left == self._per_turn:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._left -= 1

    def _next_turn(self) -> None:
        self._left = self._per_turn
        while self._left and self._waiting:
            turn = self._next()
            if not turn.done():  # or who waited was cancelled
                self._take()
                turn.set_result(None)

    def _next(self) -> asyncio.Future[None]:
        tenant_id, names = self._waiting.popitem(last=False)
        name, turns = names.popitem(last=False)
        turn = turns.popleft()
        if turns:
            names[name] = turns
        if names:
            self._waiting[tenant_id] = names
        return turn


async def another_turn(scope: Scope) -> None:
    """Wait for a turn once more, after something for which many may have waited that go on together now."""
    turn: Callable[[], Awaitable[None]] = scope["state"][_TURN]
    await turn()


def fair_starts(app: ASGIApp, *, who: Callable[[Scope], Asker]) -> ASGIApp:
    """Wrap `app`: each request begins when it has its turn. Who has left by then is not asked about."""
    starts = Starts()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            came_s = time.monotonic()
            asker, state = who(scope), scope["state"]
            state[_TURN] = partial(starts.turn, asker)
            await starts.turn(asker)
            waited_long = time.monotonic() - came_s > _PATIENCE_S
            if HAS_LEFT in state or (NO_MORE_COMES in state and waited_long):
                state.setdefault(REFUSAL, ProblemError("client-left", _LEFT))
        await app(scope, receive, send)

    return wrapped
