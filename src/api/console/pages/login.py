"""Logging in with an API key, and out."""

import re
from http import HTTPStatus
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from api.console.asking import Asking, Question, Refusal
from api.console.rendering import address
from api.console.visits import Reason

_LOGIN = "/console/login"
_HOME = "/console"
# A page or a file of the console, which no browser makes another path of: not what scripts ask, nor
# what begins or ends a session.
_NEXT = re.compile(
    r"/console(?!/(?:api|login|logout)\b)(?:/[a-z0-9-]+)*/?(?:[?#][!-~]*)?", re.ASCII
)
_ORIGIN = re.compile(r"https?://[^/?#]*")
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)

_REASONS = {
    "ended": "Your session has ended. Log in again.",
    "revoked": "You are logged out: the key was revoked or has expired. Log in with another one.",
    "out": "You are logged out.",
}
_MISSING = "Enter a key."
_WRONG = "This key is unknown, expired or revoked."


def login_address(request: Request[Any, Any, Any], reason: Reason | None) -> str:
    """Return the address of the login that leads back to what a request asked for."""
    page = request.headers.get("hx-current-url")
    asked = _ORIGIN.sub("", page, count=1) if page else _asked(request)
    return address(_LOGIN, next=_next(asked), reason=reason)


@get(_LOGIN)
async def show_login(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """Show the form; to who is logged in what they wanted to see."""
    given = request.query_params
    reason = _REASONS.get(given.get("reason", ""))
    if reason is None and state.sessions.read(request) is not None:
        return Redirect(_next(given.get("next", "")), status_code=HTTP_303_SEE_OTHER)
    return _form(given.get("next", ""), reason=reason)


@post(_LOGIN)
async def log_in(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """Begin a session with a key, if the API takes it."""
    form = await request.form()
    key, leads_to = str(form.get("key", "")).strip(), str(form.get("next", ""))
    if not key:
        return _form(leads_to, fault=_MISSING, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if not _KEY.fullmatch(key):
        return _form(leads_to, fault=_WRONG, status=HTTPStatus.FORBIDDEN)
    try:
        await Asking(state.api, request, key).all(Question("key"))
    except Refusal as refusal:
        problem = refusal.problem
        fault = _WRONG if problem.name == "forbidden" else problem.detail
        return _form(leads_to, fault=fault, status=problem.status)
    cookies = [state.sessions.begin(key)]
    return Redirect(_next(leads_to), status_code=HTTP_303_SEE_OTHER, cookies=cookies)


@post("/console/logout", sync_to_thread=False)
def log_out(state: State) -> Redirect:
    """End the session in this browser."""
    out = address(_LOGIN, reason="out")
    return Redirect(out, status_code=HTTP_303_SEE_OTHER, cookies=[state.sessions.end()])


ROUTES = [show_login, log_in, log_out]


def _next(given: str) -> str:
    """Return an address of the console to go on to, the overview if it is none."""
    return given if _NEXT.fullmatch(given) else _HOME


def _asked(request: Request[Any, Any, Any]) -> str:
    path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    return f"{path}?{query}" if query else path


def _form(
    leads_to: str,
    *,
    reason: str | None = None,
    fault: str | None = None,
    status: int = HTTPStatus.OK,
) -> Template:
    context = {"next": _next(leads_to), "reason": reason, "fault": fault, "visit": None}
    return Template("login/form.html", context=context, status_code=status)
