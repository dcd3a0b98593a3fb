"""The application over bare ASGI: nothing between a test and the path, the bytes and the disconnect."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from anyio.from_thread import BlockingPortal, start_blocking_portal
from litestar.types import ASGIApp

from tests import described


class Answer(NamedTuple):
    """An answer. `whole` is False where the transfer was broken off; `error` is what broke it off."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    error: BaseException | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def position(self) -> int:
        return int(self.headers["log-position"])


class Api:
    """Sends requests to an application that runs in the event loop of `portal`."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self.app = app
        self.portal = portal
        # It takes a moment, which is to be nobody's who measures time.
        described.document()

    def get(
        self,
        path: str,
        key: str | None = None,
        *,
        query: str | bytes = "",
        headers: Mapping[str, str] | None = None,
        leave_after: int | None = None,
        between: Callable[[int], None] | None = None,
        **parameters: object,
    ) -> Answer:
        """GET `path`, which is sent as it is; `parameters` are encoded into the query.

        The client leaves after that many pieces of the body; `between` is called for each.
        """
        answer = self.portal.call(
            lambda: self.ask(
                path, key, query or encode(parameters), headers or {}, leave_after, between
            )
        )
        if answer.whole and answer.error is None:
            status, got, body, *_ = answer
            described.check(described.Answer("GET", path, status, got, body))
        return answer

    async def ask(
        self,
        path: str,
        key: str | None,
        query: str | bytes = "",
        headers: Mapping[str, str] | None = None,
        leave_after: int | None = None,
        between: Callable[[int], None] | None = None,
    ) -> Answer:
        fields = {"host": "test", **(headers or {}), **({"x-api-key": key} if key else {})}
        left = asyncio.Event()
        status, got, pieces, whole = 0, {}, [], False

        async def receive() -> Any:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal status, got, whole
            if message["type"] == "http.response.start":
                status = message["status"]
                got = {name.decode(): value.decode() for name, value in message["headers"]}
                return
            pieces.append(message.get("body", b""))
            if between:
                await asyncio.to_thread(between, len(pieces))
            whole = not message.get("more_body", False)
            if whole or len(pieces) == leave_after:
                left.set()

        scope = scope_of(path, fields, query)
        error: BaseException | None = None
        try:
            await self.app(scope, receive, send)
        except Exception as raised:  # noqa: BLE001  # what a server would see
            error = raised
        return Answer(
            status, {k.lower(): v for k, v in got.items()}, b"".join(pieces), whole, error
        )


def scope_of(path: str, fields: Mapping[str, str], query: str | bytes = "") -> Any:
    """Write what a server says of a GET with these headers."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query if isinstance(query, bytes) else query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "state": {},
    }


def encode(parameters: Mapping[str, object]) -> str:
    """Encode parameters; `from_` stands for `from`, and None is left out."""
    named = {name.rstrip("_"): value for name, value in parameters.items() if value is not None}
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in named.items()
    }
    return urlencode(texts)


def path_of(kind: str, resource_id: str) -> str:
    """Write the path of a player or a game, everything in its id encoded."""
    return f"/api/v1/{kind}/{quote(resource_id, safe='')}"


@contextmanager
def running(app: ASGIApp) -> Iterator[Api]:
    """Run an application's event loop in a thread, from startup to shutdown."""
    with start_blocking_portal() as portal:
        api = Api(app, portal)
        begin, end = portal.call(_lifespan, app)
        portal.call(begin)
        try:
            yield api
        finally:
            portal.call(end)


async def _lifespan(app: ASGIApp) -> tuple[Any, Any]:
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    receive: Any = to_app.get
    send: Any = from_app.put

    async def run() -> None:
        await app(scope, receive, send)

    task = asyncio.create_task(run())

    async def begin() -> None:
        await to_app.put({"type": "lifespan.startup"})
        assert (await from_app.get())["type"] == "lifespan.startup.complete"

    async def end() -> None:
        await to_app.put({"type": "lifespan.shutdown"})
        await task

    return begin, end
