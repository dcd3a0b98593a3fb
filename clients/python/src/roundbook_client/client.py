"""The client for threads."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

import stamina
from httpx2 import Client as Http
from httpx2 import Response
from msgspec.json import Decoder

from roundbook_client.errors import Closed
from roundbook_client.history import Follow, History
from roundbook_client.items import Sendable
from roundbook_client.queries import Pages, Parameters, Queries, Time, written
from roundbook_client.retrying import GIVEN_UP_S, raise_unless_well, understood, within_time
from roundbook_client.sending import Sending
from roundbook_client.service import path_with_id
from roundbook_client.shapes import BalanceHistory, Facets, GameProfile, PlayerProfile, Status

_T = TypeVar("_T")

CLOSE_S = 5.0


class Client(Sending, Queries):
    """Sends, asks and follows; to be shared by threads."""

    _http: Http | None = None

    def open(self) -> Self:
        """Open the spool and begin to drain it. Raises SpoolError, SpoolInUse."""
        self._open_outbox()
        self._http = self._service.client(self._options.timeout_s)
        return self

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Flush for so long at most, and let go of the spool: what is left is sent at the next start."""
        outbox, http = self._take_outbox(), self._http
        self._http = None
        try:
            if outbox is not None:
                outbox.close(timeout_s)
        finally:
            if http is not None:
                http.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, items: Sendable | Sequence[Sendable]) -> None:
        """Return once an item, or all of several, is on the disk: it is sent until it is recorded.

        Raises, with nothing spooled, InvalidItems, SpoolFull, and SpoolError where the disk can't be
        written to. Who is interrupted (KeyboardInterrupt) does not know whether it is spooled.
        """
        outbox = self._outbox
        records = outbox.check(items)
        if records:
            outbox.commit(outbox.put(records))

    def flush(self, timeout_s: float | None = None) -> int:
        """Wait until all that was spooled is recorded, or refused; return up to which position of the log.

        Raises NotAcknowledged after `timeout_s`, and Closed where the client is closed meanwhile.
        """
        return self._outbox.flush(timeout_s)

    def player(
        self, player_id: str, *, at_position: int | None = None, at_least: int | None = None
    ) -> PlayerProfile:
        """Return a player's profile, as it is or was (`at_position`). Raises AnsweredError (404)."""
        asked = {"at_position": at_position, "at_least": at_least}
        return self._one(path_with_id("players", player_id), PlayerProfile, asked)

    def game(
        self, game_id: str, *, at_position: int | None = None, at_least: int | None = None
    ) -> GameProfile:
        """Return a game of the catalogue, as it is or was (`at_position`). Raises AnsweredError (404)."""
        asked = {"at_position": at_position, "at_least": at_least}
        return self._one(path_with_id("games", game_id), GameProfile, asked)

    def balance_history(
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
        return self._one("/api/v1/balances/history", BalanceHistory, asked)

    def facets(self, **filters: str | int | None) -> Facets:
        """Return the values of games, and how many have each; the filters are those of `games`."""
        return self._one("/api/v1/facets", Facets, filters)

    def status(self) -> Status:
        """Return how far the log and its read models are."""
        return self._one("/api/v1/status", Status, {})

    def _pages(self, path: str, parameters: Parameters, kind: type[_T]) -> Pages[_T]:
        return Pages(self._get, f"/api/v1/{path}", parameters, Decoder(kind).decode)

    @property
    def history(self) -> History[Follow]:
        """The log itself; for keys with the scope `audit`."""
        return History(self._service, self._options, self._get, Follow)

    def _one(self, path: str, kind: type[_T], parameters: Parameters) -> _T:
        return understood(self._get(path, written(parameters)), Decoder(kind).decode)

    def _get(self, path: str, parameters: dict[str, str]) -> Response:
        if self._http is None:
            raise Closed("the client is not open")
        for attempt in stamina.retry_context(on=within_time(), timeout=GIVEN_UP_S):
            with attempt:
                answer = self._http.get(path, params=parameters)
                raise_unless_well(answer)
        return answer
