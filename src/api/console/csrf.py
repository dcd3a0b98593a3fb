"""Forms that only the console's own pages can send: Litestar's tokens, in a cookie and in each form."""

from typing import Any

from litestar.config.csrf import CSRFConfig
from litestar.middleware import DefineMiddleware
from litestar.middleware.csrf import CSRFMiddleware

from api.console.sessions import PATH

COOKIE = "roundbook_csrf"


class _Csrf(CSRFMiddleware):
    """Litestar's, which compares texts and fails at what is none, or not in ASCII: no token is like that."""

    def _csrf_tokens_match(self, request_csrf_token: Any, cookie_csrf_token: str) -> bool:
        tokens = (request_csrf_token, cookie_csrf_token)
        if not all(isinstance(token, str) and token.isascii() for token in tokens):
            return False
        return super()._csrf_tokens_match(request_csrf_token, cookie_csrf_token)


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
