"""Asking the API in process, as any client does: with a key, by its paths."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from litestar import Request
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp
from msgspec import Struct

from api.http.leaving import WhileClientStays

T = TypeVar("T")

# Of a host that there is not, on a port that nobody is served on.
_API = "http://roundbook.invalid:1/api/v1/"
_TYPE_PREFIX = "urn:roundbook:problem:"

Value = str | int | bool | Sequence[str] | None


class Question(NamedTuple):
    """What is asked: a path below `/api/v1/`, and parameters. Those that are None or empty are left out."""

    path: str
    parameters: Mapping[str, Value] = {}


class Fault(Struct, frozen=True):
    """What is wrong with one parameter."""

    parameter: str
    code: str
    detail: str


class Problem(Struct, frozen=True):
    """An error of the API (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []

    @property
    def name(self) -> str:
        """Its stable name, as `not-found`."""
        return self.type.removeprefix(_TYPE_PREFIX)


class Refusal(Exception):  # noqa: N818 (it is an answer, too)
    """An answer that is a problem. `faults` tells what is wrong with each parameter, by its name."""

    def __init__(self, problem: Problem, *, retry_after_s: str | None = None) -> None:
        """Say what was refused, and when to come again if that was said."""
        super().__init__(problem.detail)
        self.problem = problem
        self.retry_after_s = retry_after_s

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong with each parameter."""
        return {fault.parameter: fault.detail for fault in self.problem.errors}


class Answer:
    """An answer of the API in JSON."""

    def __init__(self, response: httpx.Response) -> None:
        """Read it when it is asked for."""
        self.content = response.content
        self.log_position = int(response.headers.get("log-position", 0))
        self.log_id: str | None = response.headers.get("log-id")

    @cached_property
    def json(self) -> Any:
        """What it says."""
        return msgspec.json.decode(self.content)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The items of a page. Not `items`, which in a template is a method of the dictionary."""
        found: list[dict[str, Any]] = self.json["items"]
        return found

    @property
    def next_cursor(self) -> str | None:
        """Where the next page of items goes on."""
        cursor: str | None = self.json["next_cursor"]
        return cursor

    def read(self, kind: type[T]) -> T:
        """Read it as a struct: with `msgspec.Raw` members stay as they were sent, digit for digit."""
        return msgspec.json.decode(self.content, type=kind)


def granted(answer: Answer | Refusal) -> Answer:
    """Return what is an answer, and raise what is a refusal."""
    if isinstance(answer, Refusal):
        raise answer
    return answer


class Asking:
    """Asks with one key, for one request of a browser: no longer than that waits."""

    def __init__(self, api: ASGIApp, request: Request[Any, Any, Any], key: str) -> None:
        """Ask the ASGI application `api`, which takes the browser for who asks it."""
        self._request = request
        client = request.scope["client"] or ("", 0)
        transport = httpx.ASGITransport(app=api, client=client)  # type: ignore[arg-type]
        headers = {
            "x-api-key": key,
            "accept": "application/json",
            # So the lines of the log belong together.
            "x-request-id": request.scope["state"]["request_id"],
        }
        self._client = httpx.AsyncClient(
            transport=transport, base_url=_API, headers=headers, trust_env=False
        )

    async def each(self, *questions: Question) -> list[Answer | Refusal]:
        """Ask all at once; gives refusals among the answers. Raises ClientLeftError."""
        async with WhileClientStays(self._request.scope, self._request.receive):
            return await asyncio.gather(*map(self._ask, questions))

    async def all(self, *questions: Question) -> list[Answer]:
        """Ask all at once. Raises Refusal where one of them is refused, and ClientLeftError."""
        return [granted(answer) for answer in await self.each(*questions)]

    async def _ask(self, question: Question) -> Answer | Refusal:
        given = {
            name: ",".join(value) if isinstance(value, list | tuple) else value
            for name, value in question.parameters.items()
            if value not in (None, "", [], ())
        }
        response = await self._client.get(question.path, params=given)
        if response.is_success:
            return Answer(response)
        problem = msgspec.json.decode(response.content, type=Problem)
        return Refusal(problem, retry_after_s=response.headers.get("retry-after"))


def in_path(any_id: str) -> str:
    """Write an id as a part of a path. Raises NotFoundException of an empty one, which nothing has."""
    if not any_id:
        raise NotFoundException
    # Points alone are a step to another folder, to whoever normalises.
    return quote(any_id, safe="").replace(".", "%2E")
