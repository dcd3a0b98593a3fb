"""The console of a service that starts: a page that needs nothing of it, and looks again by itself."""

from importlib.resources import files

from litestar import MediaType, Response
from litestar.types import Scope

from api.console.answers import POLICY
from api.console.paths import is_below, is_handed_on

_PAGE = files("api.console").joinpath("templates", "errors", "starting.html").read_text("utf-8")


def starting_page(scope: Scope) -> Response[str] | None:
    """Return the answer to a person who asks for a page of the console; None to all others."""
    if not is_below(scope) or is_handed_on(scope):
        return None
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Retry-After": "1",
    }
    return Response(_PAGE, media_type=MediaType.HTML, status_code=503, headers=headers)
