"""The console as an application of its own, beside the API."""

import secrets
from collections.abc import Callable

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.template import TemplateConfig
from litestar.types import ASGIApp, Receive, Scope, Send

from api.console.answers import guarded
from api.console.bodies import bodies
from api.console.csrf import csrf
from api.console.errors import HANDLERS
from api.console.forwarding import forwarding
from api.console.pages import NAVIGATION, ROUTES
from api.console.paths import is_below, is_handed_on
from api.console.rendering import template_engine
from api.console.sessions import Sessions
from api.console.static_files import STATIC, static_file
from api.console.visits import begin_visit
from api.http.request_metrics import request_metrics

_MOST_BODY_BYTES = 16 * 1024


def with_console(
    app: ASGIApp,
    *,
    api: ASGIApp,
    secret: str | None,
    body_timeout_s: float,
    is_elsewhere: Callable[[Scope], bool],
) -> ASGIApp:
    """Wrap `app`: what is below `/console` goes to the console, but where `is_elsewhere`.

    It asks `api` in process, which is the whole service as a client has it, `app` and what is around it.
    `secret` is what all processes behind one address have in common; absent it is of this process alone.
    A form has `body_timeout_s` to arrive.
    """
    console = _console(app, api, secret or secrets.token_urlsafe(), body_timeout_s)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_it = scope["type"] == ScopeType.HTTP and is_below(scope)
        await (console if is_for_it and not is_elsewhere(scope) else app)(scope, receive, send)

    return wrapped


def _console(app: ASGIApp, api: ASGIApp, secret: str, body_timeout_s: float) -> ASGIApp:
    sessions = Sessions(secret)
    pages = Litestar(
        route_handlers=[static_file, *ROUTES],
        dependencies={"visit": Provide(begin_visit)},
        exception_handlers=HANDLERS,
        middleware=[request_metrics, bodies(body_timeout_s), csrf(secret)],
        state=State({"api": api, "sessions": sessions, "navigation": NAVIGATION}),
        template_config=TemplateConfig(instance=template_engine(STATIC)),
        request_max_body_size=_MOST_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    forward = forwarding(app, pages, sessions)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await (forward if is_handed_on(scope) else pages)(scope, receive, send)

    return guarded(serve)
