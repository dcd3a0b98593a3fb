"""The OpenAPI document."""

from importlib.metadata import version

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from api.documentation.pages import DocumentationPage

OPENAPI_CONFIG = OpenAPIConfig(
    title="Roundbook",
    version=version("roundbook"),
    summary="Ingest what happens at online casinos, query it, replay it.",
    path="/schema",
    use_handler_docstrings=True,
    render_plugins=[DocumentationPage(), JsonRenderPlugin(path="/openapi.json")],
    servers=[],  # where the document came from
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
