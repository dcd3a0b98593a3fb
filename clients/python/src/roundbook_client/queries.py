"""The collections that can be asked for, each as an iterator that turns the pages by itself."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from inspect import iscoroutinefunction
from typing import Generic, Literal, TypeVar, cast

from httpx2 import Response
from msgspec import Raw, Struct
from msgspec.json import Decoder

from roundbook_client.retrying import understood
from roundbook_client.shapes import (
    ActivityView,
    BalanceView,
    ConflictView,
    GameView,
    PlayerView,
    RollbackView,
    RoundView,
    TransactionView,
)

_T = TypeVar("_T")

Time = datetime | date | str
"""A moment (without a time zone: UTC), or a date, which is the beginning of that gaming day."""

_Value = str | int | datetime | date | Sequence[str]
Parameters = Mapping[str, _Value | None]

_MOST_OF_A_PAGE = 1_000


def written(parameters: Parameters) -> dict[str, str]:
    """Write the parameters that are given as the service reads them."""
    return {name: _written(value) for name, value in parameters.items() if value is not None}


def _written(value: _Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return ",".join(value)


class _Page(Struct, frozen=True):
    items: list[Raw]
    next_cursor: str | None


_read_page = Decoder(_Page).decode

Get = Callable[[str, dict[str, str]], Response]
AsyncGet = Callable[[str, dict[str, str]], Awaitable[Response]]


class Pages(Generic[_T]):
    """What a collection holds, in its order: read with `for`, of an AsyncClient with `async for`.

    Each pass asks anew. Raises AnsweredError, and httpx2.TransportError where the service stays away.
    """

    def __init__(
        self, get: Get | AsyncGet, path: str, parameters: Parameters, read: Callable[[bytes], _T]
    ) -> None:
        """Ask for a path with `get`, and read each item with `read`."""
        self._get = get
        self._is_async = iscoroutinefunction(get)
        self._path = path
        self._parameters = {"limit": str(_MOST_OF_A_PAGE), **written(parameters)}
        self._read = read

    def __iter__(self) -> Iterator[_T]:
        if self._is_async:
            raise TypeError("the pages of an AsyncClient are read with `async for`")
        get = cast("Get", self._get)
        asked: dict[str, str] | None = self._parameters
        while asked is not None:
            items, asked = self._turn(get(self._path, asked))
            yield from items

    async def __aiter__(self) -> AsyncIterator[_T]:
        if not self._is_async:
            raise TypeError("the pages of a Client are read with `for`")
        get = cast("AsyncGet", self._get)
        asked: dict[str, str] | None = self._parameters
        while asked is not None:
            items, asked = self._turn(await get(self._path, asked))
            for item in items:
                yield item

    def _turn(self, answer: Response) -> tuple[list[_T], dict[str, str] | None]:
        items, next_cursor = understood(answer, self._read_all)
        return items, None if next_cursor is None else {**self._parameters, "cursor": next_cursor}

    def _read_all(self, text: bytes) -> tuple[list[_T], str | None]:
        page = _read_page(text)
        return [self._read(bytes(item)) for item in page.items], page.next_cursor


class Queries:
    """The collections. With `at_least` they wait until they show what stands up to that position."""

    @abstractmethod
    def _pages(self, path: str, parameters: Parameters, kind: type[_T]) -> Pages[_T]: ...

    def players(
        self,
        *,
        country: str | None = None,
        currency: str | None = None,
        tag: str | None = None,
        affiliate: str | None = None,
        operator: str | None = None,
        is_blocked: bool | None = None,
        q: str | None = None,
        at_least: int | None = None,
    ) -> Pages[PlayerView]:
        """List players by id; with `q`, how their usernames begin in any case, by username."""
        asked = {
            "country": country,
            "currency": currency,
            "tag": tag,
            "affiliate": affiliate,
            "operator": operator,
            "is_blocked": is_blocked,
            "q": q,
            "at_least": at_least,
        }
        return self._pages("players", asked, PlayerView)

    def balances(
        self,
        *,
        player_id: str | None = None,
        currency: str | None = None,
        as_of: Time | None = None,
        at_position: int | None = None,
        at_least: int | None = None,
    ) -> Pages[BalanceView]:
        """List balances by player and currency; of one player also as they were."""
        asked = {
            "player_id": player_id,
            "currency": currency,
            "as_of": as_of,
            "at_position": at_position,
            "at_least": at_least,
        }
        return self._pages("balances", asked, BalanceView)

    def rounds(
        self,
        *,
        player_id: str | None = None,
        game_id: str | None = None,
        round_id: str | None = None,
        status: Literal["open", "settled", "unmatched", "rolled_back"] | None = None,
        mixed_currency: bool | None = None,
        begin: Time | None = None,
        end: Time | None = None,
        at_least: int | None = None,
    ) -> Pages[RoundView]:
        """List rounds that began at `begin` or later and before `end`, the newest first."""
        asked = {
            "player_id": player_id,
            "game_id": game_id,
            "round_id": round_id,
            "status": status,
            "mixed_currency": mixed_currency,
            "from": begin,
            "to": end,
            "at_least": at_least,
        }
        return self._pages("rounds", asked, RoundView)

    def transactions(
        self,
        *,
        player_id: str | None = None,
        type: Literal["deposit", "withdraw"] | None = None,  # noqa: A002 (as the API names it)
        method: str | None = None,
        currency: str | None = None,
        begin: Time | None = None,
        end: Time | None = None,
        at_least: int | None = None,
    ) -> Pages[TransactionView]:
        """List deposits and withdrawals at `begin` or later and before `end`, the newest first."""
        asked = {
            "player_id": player_id,
            "type": type,
            "method": method,
            "currency": currency,
            "from": begin,
            "to": end,
            "at_least": at_least,
        }
        return self._pages("transactions", asked, TransactionView)

    def games(
        self,
        *,
        provider: str | None = None,
        category: str | None = None,
        feature: str | None = None,
        theme: str | None = None,
        device: str | None = None,
        has_freespins: Literal["yes", "no", "unknown"] | None = None,
        q: str | None = None,
        at_least: int | None = None,
    ) -> Pages[GameView]:
        """List the catalogue by id; `q` is a part of the name."""
        asked = {
            "provider": provider,
            "category": category,
            "feature": feature,
            "theme": theme,
            "device": device,
            "has_freespins": has_freespins,
            "q": q,
            "at_least": at_least,
        }
        return self._pages("games", asked, GameView)

    def activity(
        self,
        *,
        begin: Time | None = None,
        end: Time | None = None,
        game_id: str | None = None,
        currency: str | None = None,
        group_by: Sequence[Literal["day", "game", "currency"]] | None = None,
        at_least: int | None = None,
    ) -> Pages[ActivityView]:
        """List what was played on gaming days that begin at `begin` or later and before `end`."""
        asked: Parameters = {
            "from": begin,
            "to": end,
            "game_id": game_id,
            "currency": currency,
            "group_by": group_by,
            "at_least": at_least,
        }
        return self._pages("activity", asked, ActivityView)

    def rollbacks(
        self,
        *,
        player_id: str | None = None,
        game_id: str | None = None,
        round_id: str | None = None,
        status: Literal["matched", "mismatched", "repeated", "unmatched", "unreferenced"]
        | None = None,
        begin: Time | None = None,
        end: Time | None = None,
        at_least: int | None = None,
    ) -> Pages[RollbackView]:
        """List rollbacks at `begin` or later and before `end`, the newest first."""
        asked = {
            "player_id": player_id,
            "game_id": game_id,
            "round_id": round_id,
            "status": status,
            "from": begin,
            "to": end,
            "at_least": at_least,
        }
        return self._pages("rollbacks", asked, RollbackView)

    def conflicts(
        self,
        *,
        unique_id: str | None = None,
        from_position: int | None = None,
        to_position: int | None = None,
        begin: Time | None = None,
        end: Time | None = None,
    ) -> Pages[ConflictView]:
        """List what was refused because its unique_id stood for something else, in the order of refusal.

        The positions are those of what stands; `begin` and `end` are about when it was refused.
        """
        asked = {
            "unique_id": unique_id,
            "from_position": from_position,
            "to_position": to_position,
            "from": begin,
            "to": end,
        }
        return self._pages("conflicts", asked, ConflictView)
