"""The OpenAPI document: what is said of the whole, and what all operations have in common.

Litestar makes it of the routes; what is the same of all of them is added to what it wrote, in one place.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OpenAPI, SecurityScheme, Server, Tag
from litestar.types import Method

from api.documentation import fasttrack_shapes, history_shapes, item_shapes
from api.documentation.headers import CACHING, COMMON, LIMITS, PERHAPS
from api.documentation.pages import DocumentationPage
from api.documentation.problem_kinds import NAMED, Problem
from api.documentation.problems import FAULT_OF_THE_SERVICE, FORBIDDEN
from api.documentation.shapes import components, refer
from api.http.problems import MEDIA_TYPE

_BY_HAND = {
    **item_shapes.COMPONENTS,
    **fasttrack_shapes.COMPONENTS,
    **history_shapes.COMPONENTS,
}
_AGAIN = {"429", "503"}
_ANY = (
    "Any other problem, as what HTTP itself forbids: `bad-request` (400), `not-found` (404, on an address for"
    " operators), `method-not-allowed` (405), `head-too-slow` (408), `target-too-long` (414),"
    " `head-too-large` (431), `not-implemented` (501), `version-not-supported` (505)."
)


class _Document(OpenAPI):
    def to_schema(self) -> dict[str, Any]:
        """Write the document, with what Litestar does not know."""
        return _completed(super().to_schema())


class _Config(OpenAPIConfig):
    def to_openapi_schema(self) -> OpenAPI:
        """Begin the document."""
        return _Document(**vars(super().to_openapi_schema()))


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    named = document["components"]
    named["headers"] = dict(COMMON)
    named["responses"] = {
        "InternalError": _problem(
            "A fault of the service, not of the request.", FAULT_OF_THE_SERVICE
        ),
        "AnyProblem": _problem(_ANY, FORBIDDEN),
    }
    for operation in _operations(document):
        # What needs no key says so.
        operation.setdefault("security", [])
        responses = operation["responses"]
        for status, response in responses.items():
            _complete(response, again=status in _AGAIN, limited=bool(operation["security"]))
            # What many operations have is said once.
            if (name := NAMED.get(response["description"])) is not None:
                named["responses"][name] = response
                responses[status] = {"$ref": f"#/components/responses/{name}"}
        responses["500"] = {"$ref": "#/components/responses/InternalError"}
        responses["default"] = {"$ref": "#/components/responses/AnyProblem"}
    for name in ("InternalError", "AnyProblem"):
        _complete(named["responses"][name], again=False, limited=True)
    named["schemas"] = components(document, _BY_HAND)
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def _complete(response: dict[str, Any], *, again: bool, limited: bool) -> None:
    """Add the headers that each answer has; take out what Litestar writes, and no example may have."""
    always = ["X-Content-Type-Options", "X-Request-Id", *(["Retry-After"] if again else [])]
    # Generators take a header that is a reference for one that is always there.
    sometimes = {**CACHING, **LIMITS, **PERHAPS} if limited else {}
    response["headers"] = {
        **sometimes,
        **response.get("headers", {}),
        **{name: {"$ref": f"#/components/headers/{name}"} for name in always},
    }
    for content in response.get("content", {}).values():
        for example in content.get("examples", {}).values():
            example.pop("id", None)


def _problem(description: str, example: Problem) -> dict[str, Any]:
    content = {"schema": refer(Problem), "examples": {"example": {"value": example}}}
    return {"description": description, "content": {MEDIA_TYPE: content}}


def _operation_id(handler: HTTPRouteHandler, _: Method, __: list[Any]) -> str:
    """Name an operation as the function that answers it. The name is stable: generated clients have it."""
    return handler.handler_name


OPENAPI_CONFIG = _Config(
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
    servers=[Server(url="/", description="Where the document came from.")],
    operation_id_creator=_operation_id,
    components=Components(
        security_schemes={
            "key": SecurityScheme(
                type="apiKey",
                security_scheme_in="header",
                name="x-api-key",
                description="A key of one tenant, with scopes; `roundbook key create` makes one.",
            )
        }
    ),
    tags=[
        Tag("ingest", "Send what happened. Needs a key with the scope `ingest`."),
        Tag("query", "Ask the read models. Needs the scope `read`."),
        Tag("reports", "What auditors and analysts ask for. Needs the scope `read`."),
        Tag("history", "Replay the log. Needs the scope `audit`."),
        Tag("evidence", "Prove what the log says, to anybody. Needs the scope `audit`."),
        Tag(
            "system",
            "How all tenants are. Needs the scope `operate`, which shows nothing of a log.",
        ),
        Tag("operation", "For those who run the service. Needs no key."),
    ],
)
