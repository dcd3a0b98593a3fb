"""The log: once, in pages, or followed for as long as the caller likes."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from typing import Generic, Literal, TypeVar

import stamina
from httpx2 import AsyncClient, Client, Response, TransportError

from roundbook_client.errors import AnsweredError
from roundbook_client.following import Following, read_entry
from roundbook_client.options import Options
from roundbook_client.queries import AsyncGet, Get, Pages, Time
from roundbook_client.retrying import answered, delay_or_not
from roundbook_client.service import Service
from roundbook_client.shapes import Entry

_HISTORY = "/api/v1/history"
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0


class _Followed:
    def __init__(self, service: Service, options: Options, following: Following) -> None:
        self._service = service
        self._silence_s = options.silence_s
        self._following = following

    @property
    def position(self) -> int:
        """The position up to which all was given."""
        return self._following.position

    @property
    def log_id(self) -> str | None:
        """Of which log that is; None before the service said so."""
        return self._following.log_id


class Follow(_Followed):
    """Each event once and in order, across reconnects and restarts of the service.

    Raises AnsweredError for what the service would answer again (403), OtherLog where the log was restored,
    and OutOfOrderError.
    """

    def __iter__(self) -> Iterator[Entry]:
        for entries in self.batches():
            yield from entries

    def batches(self) -> Generator[list[Entry], None, None]:
        """Give together what arrives together: hundreds of events, or one."""
        with self._service.client(self._silence_s) as http:
            while True:
                try:
                    answer = self._connect(http)
                except AnsweredError as error:
                    self._following.go_on_after(error)
                    time.sleep(_PAUSE_S)
                    continue
                has_told = False
                try:
                    if not self._following.begin(answer):
                        return
                    for piece in answer.iter_bytes():
                        if entries := self._following.read(piece):
                            has_told = True
                            yield entries
                except TransportError:
                    pass  # what was not read comes again
                finally:
                    answer.close()
                if not has_told:
                    time.sleep(_PAUSE_S)

    def _connect(self, http: Client) -> Response:
        for attempt in stamina.retry_context(
            on=delay_or_not, attempts=None, timeout=None, wait_max=_LONGEST_PAUSE_S
        ):
            with attempt:
                parameters, headers = self._following.request()
                request = http.build_request("GET", _HISTORY, params=parameters, headers=headers)
                answer = http.send(request, stream=True)
                if not answer.is_success:
                    answer.read()
                    raise answered(answer)
        return answer


class AsyncFollow(_Followed):
    """The same as Follow, with `async for`."""

    async def __aiter__(self) -> AsyncIterator[Entry]:
        async for entries in self.batches():
            for entry in entries:
                yield entry

    async def batches(self) -> AsyncGenerator[list[Entry], None]:
        """Give together what arrives together."""
        async with self._service.async_client(self._silence_s) as http:
            while True:
                try:
                    answer = await self._connect(http)
                except AnsweredError as error:
                    self._following.go_on_after(error)
                    await asyncio.sleep(_PAUSE_S)
                    continue
                has_told = False
                try:
                    if not self._following.begin(answer):
                        return
                    async for piece in answer.aiter_bytes():
                        if entries := self._following.read(piece):
                            has_told = True
                            yield entries
                except TransportError:
                    pass  # what was not read comes again
                finally:
                    await answer.aclose()
                if not has_told:
                    await asyncio.sleep(_PAUSE_S)

    async def _connect(self, http: AsyncClient) -> Response:
        async for attempt in stamina.retry_context(
            on=delay_or_not, attempts=None, timeout=None, wait_max=_LONGEST_PAUSE_S
        ):
            with attempt:
                parameters, headers = self._following.request()
                request = http.build_request("GET", _HISTORY, params=parameters, headers=headers)
                answer = await http.send(request, stream=True)
                if not answer.is_success:
                    await answer.aread()
                    raise answered(answer)
        return answer


_F = TypeVar("_F", bound=_Followed)


class History(Generic[_F]):
    """A tenant's log. The filters are those of the API; `begin` and `end` are about the events' time."""

    def __init__(
        self, service: Service, options: Options, get: Get | AsyncGet, followed: type[_F]
    ) -> None:
        """Read pages with `get`, and follow by `followed`."""
        self._service = service
        self._options = options
        self._get = get
        self._followed = followed

    def entries(
        self,
        *,
        player_id: str | None = None,
        game_id: str | None = None,
        event: str | None = None,
        begin: Time | None = None,
        end: Time | None = None,
        from_position: int | None = None,
        to_position: int | None = None,
        order: Literal["asc", "desc"] | None = None,
    ) -> Pages[Entry]:
        """List what is recorded now, by position: the oldest first, or the newest with `desc`."""
        asked = {
            "player_id": player_id,
            "game_id": game_id,
            "event": event,
            "from": begin,
            "to": end,
            "from_position": from_position,
            "to_position": to_position,
            "order": order,
        }
        return Pages(self._get, _HISTORY, asked, read_entry)

    def follow(
        self,
        *,
        after: int = 0,
        log_id: str | None = None,
        to_position: int | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> _F:
        """Follow the log after a position, for ever or up to another: `for entry in history.follow(after=7)`.

        Give the `log_id` that was kept beside the position: then nothing of another log, as after a restore,
        is taken for what follows.
        """
        following = Following(after, log_id, to_position, filters or {})
        return self._followed(self._service, self._options, following)
