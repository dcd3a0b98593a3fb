"""What every answer below `/console` says: what a page may load, and that nobody is told its address."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: nothing from elsewhere runs, and nothing that stands in a page itself."""

_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"referrer-policy": b"no-referrer",  # ids stand in addresses
}

# Of a proxy; who says it though it is not so does without the cookie.
_FORWARDED = (b"x-forwarded-proto", b"https")


def guarded(app: ASGIApp) -> ASGIApp:
    """Wrap `app`: its answers say so, unless they say otherwise; cookies that came by https stay there."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [_kept_safe(scope, *header) for header in message["headers"]]
                said = {name for name, _ in headers}
                headers += [header for header in _HEADERS.items() if header[0] not in said]
                message["headers"] = headers
            await send(message)

        await app(scope, receive, send_guarded)

    return wrapped


def _kept_safe(scope: Scope, name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Let a cookie of a service that is reached by https go back by https alone."""
    if name == b"set-cookie" and (scope["scheme"] == "https" or _FORWARDED in scope["headers"]):
        return name, value + b"; Secure"
    return name, value
