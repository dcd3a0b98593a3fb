"""HEAD, wherever GET is (RFC 9110, section 9.3.2)."""

from http import HTTPStatus

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_IS_HEAD = "is_head"
_NOT_ALLOWED = HTTPStatus.METHOD_NOT_ALLOWED


def head_like_get(app: ASGIApp) -> ASGIApp:
    """Wrap `app`, which knows no HEAD: it is asked to GET, and what it would send as a body is left out.

    An answer that is long to make asks `is_head` first.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        method = scope["method"]
        head = method == "HEAD"

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == _NOT_ALLOWED or method == "OPTIONS":
                    message["headers"] = [_with_head(*header) for header in message["headers"]]
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        if head:
            scope["state"][_IS_HEAD] = True
            # The server keeps its own: from the method it knows that no body follows.
            scope = {**scope, "method": "GET"}
        await app(scope, receive, send_head)

    return wrapped


def is_head(scope: Scope) -> bool:
    """Return whether the client asked with HEAD."""
    return _IS_HEAD in scope["state"]


def _with_head(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Let a header Allow that lists GET list HEAD too."""
    if name.lower() != b"allow":
        return name, value
    methods = {each.strip() for each in value.split(b",")}
    if b"GET" in methods:
        methods.add(b"HEAD")
    return name, b", ".join(sorted(methods))
