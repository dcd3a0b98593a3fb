"""One log line per request, with its id and its tenant, never its key; and what every answer carries."""

import itertools
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_HEADER = b"x-request-id"
# Unique without asking the operating system for randomness each time, which costs more than the log line.
_PROCESS = secrets.token_hex(8)
_numbers = itertools.count(1)

_NOSNIFF = (b"x-content-type-options", b"nosniff")
# What is of a tenant, refusals included, is for nobody to keep unless the answer says so itself.
_OF_TENANTS = (b"/api/", b"/console")
_CACHE_CONTROL = b"cache-control"
_NO_STORE = (_CACHE_CONTROL, b"no-store")

_UNPRINTABLE = re.compile(rb"[^!-~]")
_FIT_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)

log = structlog.get_logger()


def request_log(app: ASGIApp) -> ASGIApp:
    """Wrap `app`: each request gets an id (the client's own if it is fit) and one line when it ends.

    Every answer carries the id, and says that its type is what it says, and what is of a tenant that no
    cache may keep it.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _client_id(scope) or f"{_PROCESS}{next(_numbers):016x}"
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (_HEADER, request_id.encode()), _NOSNIFF]
                if scope["raw_path"].startswith(_OF_TENANTS) and not _says_of_caches(headers):
                    headers.append(_NO_STORE)
                message["headers"] = headers
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await app(scope, receive, send_with_id)
        finally:
            tenant = state.get("tenant")
            log.info(
                "request",
                method=scope["method"],
                path=_printable(scope.get("raw_path", b"")),
                status=status,
                duration_ms=round((time.perf_counter() - started) * 1000, 2),
                tenant=tenant.name if tenant else None,
                **state.get("log", {}),
            )
            structlog.contextvars.unbind_contextvars("request_id")

    return wrapped


def _printable(path: bytes) -> str:
    """Write a path so that nothing in it can command a terminal; it may be one that HTTP forbids."""
    return _UNPRINTABLE.sub(lambda found: b"\\x%02x" % ord(found[0]), path).decode("ascii")


def _says_of_caches(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == _CACHE_CONTROL for name, _ in headers)


def _client_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER:
            text: str = value.decode("latin-1")
            return text if _FIT_ID.fullmatch(text) else None
    return None
