"""The OpenAPI document, and its page of interactive documentation, which needs no internet."""

from importlib.resources import files

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.static_files import create_static_files_router

_ASSETS = "/documentation"

documentation_assets = create_static_files_router(
    path=_ASSETS,
    directories=[str(files("swagger_ui").joinpath("static"))],
    include_in_schema=False,
    name="documentation",
)

OPENAPI_CONFIG = OpenAPIConfig(
    title="Roundbook",
    version="1",
    summary="Ingest what happens at online casinos, query it, replay it.",
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
