"""The OpenAPI document, and its page of interactive documentation, which needs no internet."""

from importlib.metadata import version
from importlib.resources import files
from typing import Annotated

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.params import PathParameter

_ASSETS = "/documentation"

_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


@get(_ASSETS + "/{name:str}", include_in_schema=False, sync_to_thread=True)
def documentation_assets(name: Annotated[str, PathParameter()]) -> Response[bytes]:
    """Give a file of Swagger UI, from the package that brings it."""
    media_type = _FILES.get(name)
    if media_type is None:
        raise NotFoundException
    content = files("swagger_ui").joinpath("static", name).read_bytes()
    return Response(content, media_type=media_type, headers={"Cache-Control": "max-age=86400"})


OPENAPI_CONFIG = OpenAPIConfig(
    title="Roundbook",
    version=version("roundbook"),
    summary="Ingest what happens at online casinos, query it, replay it.",
    description=(
        "Every error is a problem (RFC 9457, `application/problem+json`) with a stable `type` and a"
        " `request_id`. What HTTP itself forbids, a bad `Host` or an unreadable request line for instance,"
        " is 400 (`bad-request`), and the connection is closed; a head over 64 KiB is 431"
        " (`head-too-large`), a transfer coding other than chunked 501 (`not-implemented`), a version of"
        " HTTP other than 1.0 and 1.1 is 505 (`version-not-supported`). `HEAD` is answered wherever `GET`"
        " is, with the same status and headers. HTTP/1.0 is answered without chunks."
    ),
    path="/schema",
    use_handler_docstrings=True,
    render_plugins=[
        SwaggerRenderPlugin(
            path=["/", "/swagger"],
            js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            css_url=f"{_ASSETS}/swagger-ui.css",
            standalone_preset_js_url=f"{_ASSETS}/swagger-ui-standalone-preset.js",
            favicon=f'<link rel="icon" type="image/png" href="{_ASSETS}/favicon-32x32.png">',
        ),
        JsonRenderPlugin(path="/openapi.json"),
    ],
    components=Components(
        security_schemes={
            "key": SecurityScheme(type="apiKey", security_scheme_in="header", name="x-api-key")
        }
    ),
    tags=[
        Tag("ingest", "Send what happened. Needs a key with the scope `ingest`."),
        Tag("query", "Ask the read models. Needs the scope `read`."),
        Tag("history", "Replay the log. Needs the scope `audit`."),
        Tag("operation", "For those who run the service. Needs no key."),
    ],
)
