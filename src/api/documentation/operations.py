"""What the OpenAPI document says of queries: parameters, headers and examples, from the declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from litestar.openapi.spec import (
    Example,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
)
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import Struct

from api.documentation.headers import FILE, LOG_ID, LOG_POSITION
from api.documentation.shapes import Written
from api.http.accept import CSV, EVENT_STREAM, HTML, JSON, NDJSON
from api.querying.parameters import Apart, Asked, Query

NEEDS_KEY: list[dict[str, list[str]]] = [{"key": []}]
"""The security of an operation behind a key, by the name of the scheme in `api.documentation.openapi`."""

_TEXTS: Mapping[str, str] = {
    CSV: "A table (RFC 4180), with a line of names first; all of it, without pages.",
    NDJSON: "The same as a stream: a HistoryEntry in JSON on each line.",
    EVENT_STREAM: "Server-sent events: `data` is a HistoryEntry in JSON, `id` its position.",
    HTML: "A page for people, which can be printed.",
}
"""What texts are, by their media types."""


def operation(
    query: Query[Any, Any],
    example: Struct,
    *,
    streams: Mapping[str, str] | None = None,
    rows: Sequence[Struct] | None = None,
    headers: Sequence[Parameter] = (),
    answer_headers: Mapping[str, OpenAPIHeader] | None = None,
) -> type[Operation]:
    """Make the operation class of a route: Litestar fills in what it knows, this adds the rest.

    `example` is the beginning of the answer to the query's own examples on the sample day, `streams` has
    those of other media types, `rows` what is shown in CSV where that is not the example's `items`. `headers`
    are those of a request that have a meaning for this route alone, `answer_headers` those of its answer.
    """
    in_csv = {}
    if query.row is not None:
        lines = query.csv_rows(asked_by_example(query))
        shown: Sequence[Struct] = getattr(example, "items", ()) if rows is None else rows
        in_csv = {CSV: (lines.header + lines.write(shown)).decode()}

    @dataclass
    class QueryOperation(Operation):
        def __post_init__(self) -> None:
            self.security = NEEDS_KEY
            self.parameters = [*(self.parameters or []), *query_parameters(query), *headers]
            responses = dict(self.responses or {})
            # Litestar documents its own validation of path parameters, which is never at work here.
            responses.pop("400", None)
            success = responses["200"]
            if isinstance(success, OpenAPIResponse) and success.content:
                texts = {**in_csv, **(streams or {})}
                success.headers = {
                    **({"Log-Position": LOG_POSITION, "Log-Id": LOG_ID} if query.waits else {}),
                    **({"Content-Disposition": FILE} if CSV in texts else {}),
                    **(answer_headers or {}),
                }
                success.content[JSON].examples = {"example": Example(value=example)}
                for media_type, text in texts.items():
                    schema = Written(written={"type": "string", "description": _TEXTS[media_type]})
                    success.content[media_type] = OpenAPIMediaType(schema=schema, example=text)
            self.responses = responses

    return QueryOperation


def asked_by_example(query: Query[Any, Any]) -> Asked[Any, Any]:
    """Return what the examples of a query ask for together, in CSV."""
    given = {
        each.name: _in_a_query(each.example)
        for each in query.parameters.values()
        if not isinstance(each.example, Apart)
    }
    return query.read(urlencode(given).encode(), 0, b"", media_type=CSV)[0]


def _in_a_query(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


def query_parameters(query: Query[Any, Any]) -> list[Parameter]:
    """Describe the parameters of a query."""
    return [
        Parameter(
            name=each.name,
            param_in="query",
            required=each.required,
            # Swagger UI fills in the example of a parameter, not those of its schema.
            schema=replace(each.kind.schema, examples=[each.example.example])
            if isinstance(each.example, Apart)
            else each.kind.schema,
            description=each.description,
            example=None if isinstance(each.example, Apart) else each.example,
            # A list is one parameter, its values separated by commas.
            explode=False if each.kind.schema.type == OpenAPIType.ARRAY else None,
        )
        for each in query.parameters.values()
    ]
