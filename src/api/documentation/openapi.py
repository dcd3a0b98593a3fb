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
    description=(
        "Every error is a problem (RFC 9457, `application/problem+json`) with a stable `type` and a"
        " `request_id`. What HTTP itself forbids, a bad `Host` or an unreadable request line for instance,"
        " is 400 (`bad-request`), and the connection is closed; a request target over 16 KiB is 414"
        " (`target-too-long`), a head over 64 KiB or of over 128 headers 431 (`head-too-large`), one that"
        " does not come in time 408 (`head-too-slow`), a transfer coding other than chunked 501"
        " (`not-implemented`), a version of HTTP other than 1.0 and 1.1 is 505 (`version-not-supported`)."
        " An answer that does not begin in time is 503 (`store-unavailable`), and while the service starts"
        " all but `/health/live` is (`starting`)."
        " Answers to a tenant or key that has a rate limit tell it in `RateLimit-Policy`, and what is left"
        " of it in `RateLimit`. `HEAD` is answered wherever `GET` is, with the same status and headers."
        " HTTP/1.0 is answered without chunks. `/` is a page that leads here, and JSON that says so to"
        " programs."
    ),
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
        Tag("reports", "What auditors and analysts ask for. Needs the scope `read`."),
        Tag("history", "Replay the log. Needs the scope `audit`."),
        Tag("evidence", "Prove what the log says, to anybody. Needs the scope `audit`."),
        Tag("operation", "For those who run the service. Needs no key."),
    ],
)
