"""Errors as pages: each is the problem that the API has for it, in a sentence, with what to do next."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import PermissionDeniedException
from litestar.response import Redirect, Template
from litestar.types import ExceptionHandlersMap

from api.console.asking import Problem, Refusal
from api.console.pages.login import login_address
from api.console.visits import NobodyError
from api.http.problems import EXCEPTION_HANDLERS, ProblemError, problem_response

_NEXT = {
    403: "Log in with a key that allows it. Whoever runs the service makes one, with `roundbook key create`.",
    404: "Look whether the address is whole, or begin at the overview.",
    405: "Begin at the overview.",
    422: "Change what is named, and ask again.",
    429: "Wait a moment, and load the page again.",
    503: "Load the page again in a moment. Nothing is lost by it.",
}
_SENTENCES = {
    404: "There is no page at this address.",
    405: "This address can't be asked for in this way.",
    413: "What was sent is too long for a form of the console.",
}
_ELSE = "Begin at the overview. Whoever runs the service finds this in its log by the number below."
_NOT_OUR_FORM = (
    "This was not sent by a form of the console, or by one that is too old. Nothing was done: load the page"
    " with the form again."
)


def _of_refusal(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    return _page(request, refusal.problem, retry_after_s=refusal.retry_after_s)


def _of_nobody(request: Request[Any, Any, Any], error: NobodyError) -> Response[Any]:
    """Lead to the login, and back from there."""
    login = login_address(request, was_revoked=error.was_revoked)
    cookies = [request.app.state.sessions.end()] if error.was_revoked else []
    if "hx-request" in request.headers:
        return Response(b"", status_code=403, headers={"HX-Redirect": login}, cookies=cookies)
    if not error.was_revoked and request.headers.get("sec-fetch-site") == "cross-site":
        # A strict cookie does not come with a link from elsewhere, but with what this page asks for then.
        return Template("login/arriving.html", context={"visit": None})
    return Redirect(login, status_code=303, cookies=cookies)


def _of_form(request: Request[Any, Any, Any], _: PermissionDeniedException) -> Response[Any]:
    return _page_of(request, problem_response(request, ProblemError("forbidden", _NOT_OUR_FORM)))


def _as_page(handler: Callable[..., Response[Any]]) -> Callable[..., Response[Any]]:
    """Show what a handler of the API answers."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return _page_of(request, handler(request, error))

    return handle


def _page_of(request: Request[Any, Any, Any], answer: Response[Any]) -> Response[Any]:
    problem = msgspec.convert(answer.content, Problem)
    if problem.detail == problem.title:  # as of an error that Litestar raised
        problem = msgspec.structs.replace(
            problem, detail=_SENTENCES.get(problem.status, problem.detail)
        )
    return _page(request, problem, headers=dict(answer.headers))


def _page(
    request: Request[Any, Any, Any],
    problem: Problem,
    *,
    retry_after_s: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    state = request.scope["state"]
    name = "part" if "hx-request" in request.headers else "page"
    return Template(
        f"errors/{name}.html",
        status_code=problem.status,
        headers={**(headers or {}), **({"Retry-After": retry_after_s} if retry_after_s else {})},
        context={
            "visit": state.get("visit"),
            "problem": problem,
            "next_step": _NEXT.get(problem.status, _ELSE),
            "request_id": state["request_id"],
        },
    )


HANDLERS: ExceptionHandlersMap = {
    **{kind: _as_page(handler) for kind, handler in EXCEPTION_HANDLERS.items()},
    Refusal: _of_refusal,
    NobodyError: _of_nobody,
    PermissionDeniedException: _of_form,
}
