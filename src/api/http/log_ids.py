"""`Log-Id`: of which log a position is, beside every `Log-Position`.

After a restore from an older backup positions are given again, to other events. So a log has an id, and goes
on under another one: whoever keeps a position keeps the id with it. It is the id that the log's leaves hold,
until another history of the database begins.
"""

from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

LOG_ID = "log_id"
"""Where in a request's state the id of its log is, 16 bytes."""

HISTORY_ID = "history_id"
"""Where in it the id of the history is, in which that log goes on; None for the first one."""

_HEADER = b"log-id"
_BESIDE = b"log-position"


def log_ids(app: ASGIApp) -> ASGIApp:
    """Wrap `app`: no answer of it gives a position without the id of the log."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        state: dict[str, Any] = scope["state"]

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start" and LOG_ID in state:
                headers = message["headers"]
                # Whatever wrote them, Litestar has put their names into lower case.
                for name, _ in headers:
                    if name == _BESIDE:
                        written = state[LOG_ID].hex().encode()
                        message["headers"] = [*headers, (_HEADER, written)]
                        break
            await send(message)

        await app(scope, receive, send_with_id)

    return wrapped
