"""The client for event loops."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

import stamina
from httpx2 import AsyncClient as Http
from httpx2 import Response
from msgspec.json import Decoder

from roundbook_client.client import CLOSE_S
from roundbook_client.errors import Closed
from roundbook_client.history import AsyncFollow, History
from roundbook_client.items import Sendable
from roundbook_client.queries import Pages, Parameters, Queries, Time, written
from roundbook_client.retrying import GIVEN_UP_S, raise_unless_well, understood, within_time
from roundbook_client.sending import Sending
from roundbook_client.service import path_with_id
from roundbook_client.shapes import BalanceHistory, Facets, GameProfile, PlayerProfile, Status

_T = TypeVar("_T")


class AsyncClient(Sending, Queries):
    """The same as Client, for one event loop. What was spooled is drained by a thread of its own."""

    _http: Http | None = None
    _committing: asyncio.Task[None] | None = None

    async def open(self) -> Self:
        """Open the spool and begin to drain it. Raises SpoolError, SpoolInUse."""
        await asyncio.to_thread(self._open_outbox)
        self._http = self._service.async_client(self._options.timeout_s)
        return self

    async def close(self, timeout_s: float = CLOSE_S) -> None:
        """Flush for so long at most, and let go of the spool: what is left is sent at the next start."""
        outbox, http = self._take_outbox(), self._http
        self._http = None
        try:
            if outbox is not None:
                await asyncio.to_thread(outbox.close, timeout_s)
        finally:
            if http is not None:
                await http.aclose()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def send(self, items: Sendable | Sequence[Sendable]) -> None:
        """Return once an item, or all of several, is on the disk: it is sent until it is recorded.

        Raises as Client.send does. Tasks that send at once share one sync. Who is cancelled does not know
        whether it is spooled; sent again it is no more than a duplicate.
        """
        outbox = self._outbox
        records = outbox.check(items)
        if not records:
            return
        ticket = outbox.put(records)
        # One thread commits at a time, and for all that wait: more of them would only wait for their turn.
        while not ticket.is_done:
            if self._committing is None or self._committing.done():
                self._committing = asyncio.create_task(asyncio.to_thread(outbox.write, ticket))
            await asyncio.shield(self._committing)
        outbox.commit(ticket)

    async def flush(self, timeout_s: float | None = None) -> int:
        """Wait until all that was spooled is recorded, or refused; return up to which position of the log.

        Raises NotAcknowledged after `timeout_s`, and Closed where the client is closed meanwhile.
        """
        return await asyncio.to_thread(self._outbox.flush, timeout_s)

    async def player(
        self, player_id: str, *, at_position: int | None = None, at_least: int | None = None
    ) -> PlayerProfile:
        """Return a player's profile, as it is or was (`at_position`). Raises AnsweredError (404)."""
        asked = {"at_position": at_position, "at_least": at_least}
        return await self._one(path_with_id("players", player_id), PlayerProfile, asked)

    async def game(
        self, game_id: str, *, at_position: int | None = None, at_least: int | None = None
    ) -> GameProfile:
        """Return a game of the catalogue, as it is or was (`at_position`). Raises AnsweredError (404)."""
        asked = {"at_position": at_position, "at_least": at_least}
        return await self._one(path_with_id("games", game_id), GameProfile, asked)

    async def balance_history(
        self,
        player_id: str,
        currency: str,
        *,
        begin: Time | None = None,
        end: Time | None = None,
        points: int | None = None,
        at_least: int | None = None,
    ) -> BalanceHistory:
        """Return a balance at evenly spaced times from `begin` until right before `end`, 100 unless told."""
        asked = {
            "player_id": player_id,
            "currency": currency,
            "from": begin,
            "to": end,
            "points": points,
            "at_least": at_least,
        }
        return await self._one("/api/v1/balances/history", BalanceHistory, asked)

    async def facets(self, **filters: str | int | None) -> Facets:
        """Return the values of games, and how many have each; the filters are those of `games`."""
        return await self._one("/api/v1/facets", Facets, filters)

    async def status(self) -> Status:
        """Return how far the log and its read models are."""
        return await self._one("/api/v1/status", Status, {})

    def _pages(self, path: str, parameters: Parameters, kind: type[_T]) -> Pages[_T]:
        return Pages(self._get, f"/api/v1/{path}", parameters, Decoder(kind).decode)

    @property
    def history(self) -> History[AsyncFollow]:
        """The log itself; for keys with the scope `audit`."""
        return History(self._service, self._options, self._get, AsyncFollow)

    async def _one(self, path: str, kind: type[_T], parameters: Parameters) -> _T:
        return understood(await self._get(path, written(parameters)), Decoder(kind).decode)

    async def _get(self, path: str, parameters: dict[str, str]) -> Response:
        if self._http is None:
            raise Closed("the client is not open")
        async for attempt in stamina.retry_context(on=within_time(), timeout=GIVEN_UP_S):
            with attempt:
                answer = await self._http.get(path, params=parameters)
                raise_unless_well(answer)
        return answer
