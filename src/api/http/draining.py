"""The time before a host ends, in which whoever sends requests is to turn elsewhere."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_CLOSE = (b"connection", b"close")


class Draining:
    """Whether it has begun. Requests are served all the same, but the host is not ready for more."""

    def __init__(self) -> None:
        """Begin later."""
        self.has_begun = False

    def begin(self) -> None:
        """Be not ready from now on."""
        self.has_begun = True


def closing(app: ASGIApp, draining: Draining) -> ASGIApp:
    """Wrap `app`: while the host drains, each connection ends with its answer, so that none is used again."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and draining.has_begun:
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        is_request = scope["type"] == ScopeType.HTTP
        await app(scope, receive, send_last if is_request else send)

    return wrapped
