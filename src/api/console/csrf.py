"""Forms that only the console's own pages can send: Litestar's tokens, in a cookie and in each form."""

from typing import Any

from litestar import Request
from litestar.config.csrf import CSRFConfig
from litestar.middleware import DefineMiddleware
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import Receive, Scope, Send

from api.console.paths import PATH

COOKIE = "roundbook_csrf"


class _Csrf(CSRFMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a cookie that is not of this service, as of before a restart, be followed by one that is."""
        cookies = Request[Any, Any, Any](scope).cookies
        if self._decode_csrf_token(cookies.get(COOKIE, "")) is None:
            cookies.pop(COOKIE, None)
        await super().__call__(scope, receive, send)

    def _decode_csrf_token(self, token: Any) -> str | None:
        # Litestar's fails at what is not ASCII, or a file in a form.
        if not isinstance(token, str) or not token.isascii():
            return None
        return super()._decode_csrf_token(token)


def csrf(secret: str) -> DefineMiddleware:
    """Return the middleware. Without a right token it raises PermissionDeniedException."""
    config = CSRFConfig(
        secret="csrf " + secret,
        cookie_name=COOKIE,
        cookie_path=PATH,
        cookie_httponly=True,
        cookie_samesite="strict",
    )
    return DefineMiddleware(_Csrf, config=config)
