"""Answers that come piece by piece, and what their end means."""

from collections.abc import AsyncIterator
from typing import Any

import structlog
from litestar import Request
from litestar.response import Stream
from litestar.response.base import ASGIResponse

from api.http.head_method import is_head
from api.http.problems import ProblemError
from postgres.errors import UNAVAILABLE

log = structlog.get_logger()


class BrokenOffError(Exception):
    """The answer was begun and can't be finished; the log says why."""


class Streamed(Stream):
    """An answer of any length. HEAD asks for nothing of it.

    Where the store or the key fails on the way it is broken off: the transfer has no proper end, so that
    nobody takes a part for the whole.
    """

    def __init__(
        self, pieces: AsyncIterator[bytes], *, media_type: str, headers: dict[str, str]
    ) -> None:
        """Answer with `pieces`, as they come."""
        super().__init__(_or_broken_off(pieces), media_type=media_type, headers=headers)

    def to_asgi_response(
        self, app: Any, request: Request[Any, Any, Any], **options: Any
    ) -> ASGIResponse:
        """Build the answer; Litestar calls this."""
        if is_head(request.scope):
            self.iterator = _nothing()
        return super().to_asgi_response(app, request, **options)


def was_broken_off(error: Exception) -> bool:
    """Return whether an exception that came out of the application is a BrokenOffError, wrapped by it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            return cause.split(BrokenOffError)[1] is None
        if isinstance(cause, BrokenOffError):
            return True
        cause = cause.__cause__
    return False


async def _or_broken_off(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    except (ProblemError, *UNAVAILABLE) as error:
        log.warning("an answer was broken off", error=str(error), kind=type(error).__name__)
        raise BrokenOffError from error


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield
