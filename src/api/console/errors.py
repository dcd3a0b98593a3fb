"""Errors as pages: each is the problem that the API has for it, in a sentence, with what to do next."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import PermissionDeniedException
from litestar.response import Redirect, Template
from litestar.types import ExceptionHandlersMap

from api.console.asking import Problem, Refusal
from api.console.pages.login import login_address
from api.console.visits import ElsewhereError, NobodyError
from api.http.problems import EXCEPTION_HANDLERS, ProblemError, problem_response

_NEXT = {
    403: "Log in with a key that allows it. Whoever runs the service makes one, with `roundbook key create`.",
    404: "Look whether the address is whole, or begin at the overview.",
    405: "Begin at the overview.",
    422: "Change what is named, and ask again.",
}
_SENTENCES = {
    404: "There is no page at this address.",
    405: "This address can't be asked for in this way.",
    413: "What was sent is too long for a form of the console.",
}
_NO_HEADERS: Mapping[str, str] = {}
_ELSE = "Begin at the overview. Whoever runs the service finds this in its log by the number below."
_NOT_OUR_FORM = (
    "This was not sent by a form of the console, or by one that is too old. Nothing was done: load the page"
    " with the form again."
)


def lead_to_login(request: Request[Any, Any, Any], error: NobodyError) -> Response[Any]:
    """Lead whoever is not logged in to the login, and back from there."""
    login = login_address(request, error.reason)
    cookies = [request.app.state.sessions.end()] if error.reason else []
    if "hx-request" in request.headers:
        return Response(b"", status_code=403, headers={"HX-Redirect": login}, cookies=cookies)
    if not error.reason and request.headers.get("sec-fetch-site") == "cross-site":
        # A strict cookie does not come with a link from elsewhere, but with what this page asks for then.
        return Template("login/arriving.html", context={"visit": None})
    return Redirect(login, status_code=303, cookies=cookies)


def lead_elsewhere(_: Request[Any, Any, Any], error: ElsewhereError) -> Redirect:
    """Lead whoever may not see the overview to what they may see."""
    return Redirect(error.path, status_code=303)


def problem_page(
    request: Request[Any, Any, Any], problem: Problem, headers: Mapping[str, str] = _NO_HEADERS
) -> Template:
    """Show a problem as a page, or as a part of one where htmx asks."""
    state = request.scope["state"]
    name = "part" if "hx-request" in request.headers else "page"
    after_s = headers.get("Retry-After")
    if problem.detail == problem.title:  # as of an error that Litestar raised
        detail = _SENTENCES.get(problem.status, problem.detail)
        problem = msgspec.structs.replace(problem, detail=detail)
    return Template(
        f"errors/{name}.html",
        status_code=problem.status,
        headers=dict(headers),
        context={
            "visit": state.get("visit"),
            "problem": problem,
            "next_step": _again(after_s) if after_s else _NEXT.get(problem.status, _ELSE),
            "request_id": state["request_id"],
        },
    )


def _again(after_s: str) -> str:
    seconds = "a second" if after_s == "1" else f"{after_s} seconds"
    return f"Nothing is lost by it. Load the page again in {seconds}."


def _of_refusal(request: Request[Any, Any, Any], refusal: Refusal) -> Template:
    after_s = refusal.retry_after_s
    return problem_page(request, refusal.problem, {"Retry-After": after_s} if after_s else {})


def _of_form(request: Request[Any, Any, Any], _: PermissionDeniedException) -> Template:
    return _page_of(request, problem_response(request, ProblemError("forbidden", _NOT_OUR_FORM)))


def _as_page(handler: Callable[..., Response[Any]]) -> Callable[..., Template]:
    """Show what a handler of the API answers."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Template:
        return _page_of(request, handler(request, error))

    return handle


def _page_of(request: Request[Any, Any, Any], answer: Response[Any]) -> Template:
    return problem_page(request, msgspec.convert(answer.content, Problem), answer.headers)


HANDLERS: ExceptionHandlersMap = {
    **{kind: _as_page(handler) for kind, handler in EXCEPTION_HANDLERS.items()},
    Refusal: _of_refusal,
    NobodyError: lead_to_login,
    ElsewhereError: lead_elsewhere,
    PermissionDeniedException: _of_form,
}
