"""What is to be done when a request has ended, however it ended."""

from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

_ENDINGS = "endings"


def endings(app: ASGIApp) -> ASGIApp:
    """Wrap `app`: what was left by `at_end` is called when it returns or raises."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            if scope["type"] == ScopeType.HTTP:
                for end in scope["state"].pop(_ENDINGS, ()):
                    end()

    return wrapped


def at_end(scope: Scope, end: Callable[[], None]) -> None:
    """Have `end` called when the request of a scope has ended."""
    scope["state"].setdefault(_ENDINGS, []).append(end)
