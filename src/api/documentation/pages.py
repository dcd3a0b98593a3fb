"""The pages for people: what this service is, and its interactive documentation.

They load nothing that the service does not serve itself, and a policy (CSP) holds browsers to that: on
one of them a key is entered.
"""

from html import escape
from importlib.resources import files
from string import Template
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import PathParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_404_NOT_FOUND

from api.http.accept import JSON, negotiate
from app.settings import Settings

_DOCUMENTATION = "/schema"
_DOCUMENT = "/schema/openapi.json"
_CONSOLE = "/console"
_HTML = "text/html"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the arrows of Swagger UI
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
}

_OWN = files("api.documentation").joinpath("static")
_SWAGGER_UI = files("swagger_ui").joinpath("static")
_ASSETS = {
    "documentation.css": (_OWN, "text/css"),
    "documentation.js": (_OWN, "text/javascript"),
    "home.css": (_OWN, "text/css"),
    "icon.svg": (_OWN, "image/svg+xml"),
    "swagger-ui-bundle.js": (_SWAGGER_UI, "text/javascript"),
    "swagger-ui.css": (_SWAGGER_UI, "text/css"),
}


@get("/", include_in_schema=False, sync_to_thread=True)
def home(request: Request[Any, Any, Any], settings: NamedDependency[Settings]) -> Response[Any]:
    """Say what this is and where its documentation is: to people as a page, to programs as JSON."""
    info = request.app.openapi_schema.info
    has_console = settings.console == "on"
    headers = {"Vary": "Accept"}
    if negotiate(request, [_HTML, JSON]) == JSON:
        about = {
            "name": info.title,
            "version": info.version,
            "summary": info.summary,
            "documentation": _DOCUMENTATION,
            "openapi": _DOCUMENT,
            **({"console": _CONSOLE} if has_console else {}),
        }
        return Response(about, media_type=JSON, headers=headers)
    page = Template(_OWN.joinpath("home.html").read_text("utf-8")).substitute(
        version=escape(info.version),
        summary=escape(info.summary or ""),
        console=_OWN.joinpath("console.html").read_text("utf-8") if has_console else "",
    )
    return Response(page, media_type=MediaType.HTML, headers=headers | _PAGE_HEADERS)


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs() -> Redirect:
    """Lead to the documentation from where many look for it first."""
    return Redirect(_DOCUMENTATION)


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json() -> Redirect:
    """Lead to the OpenAPI document from where many look for it first."""
    return Redirect(_DOCUMENT)


@get("/favicon.ico", include_in_schema=False, sync_to_thread=False)
def favicon() -> Redirect:
    """Lead to the icon from where browsers look for it beside a document that is no page."""
    return Redirect("/documentation/icon.svg")


@get("/documentation/{name:str}", include_in_schema=False, sync_to_thread=True)
def asset(name: Annotated[str, PathParameter()]) -> Response[bytes]:
    """Return a file that the pages load: one of our own, or one of Swagger UI from its package."""
    if name not in _ASSETS:
        raise NotFoundException
    folder, media_type = _ASSETS[name]
    # Swagger UI is large and seldom changes; our own files must fit the page that loads them.
    cached = "no-cache" if folder is _OWN else "max-age=86400"
    content = folder.joinpath(name).read_bytes()
    return Response(content, media_type=media_type, headers={"Cache-Control": cached})


PAGES = [home, docs, openapi_json, favicon, asset]


class DocumentationPage(OpenAPIRenderPlugin):
    """Swagger UI in a page of our own: Litestar's holds inline scripts, which the policy forbids."""

    def __init__(self) -> None:
        """Serve it where it always was."""
        super().__init__(path=["/", "/swagger"])

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """Return the page, which loads the document by itself."""
        return _OWN.joinpath("documentation.html").read_bytes()

    def receive_router(self, router: Router) -> None:
        """Have the policy sent with all that Litestar serves there."""
        router.after_request = _guarded


async def _guarded(response: Response[Any]) -> Response[Any]:
    if response.status_code == HTTP_404_NOT_FOUND:  # for which Litestar has a page of its own
        raise NotFoundException
    response.headers.update(_PAGE_HEADERS)
    return response
