"""What the OpenAPI document says of queries: parameters, examples and problems, from the declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Union
from urllib.parse import urlencode

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import Struct

from api.http.accept import CSV, JSON
from api.http.problems import MEDIA_TYPE, PROBLEMS, TYPE_PREFIX
from api.querying.parameters import Apart, Asked, Fault, Query

NEEDS_KEY: list[dict[str, list[str]]] = [{"key": []}]
"""The security of an operation behind a key, by the name of the scheme in `api.documentation.openapi`."""

_REQUEST_ID = "5f0c6d1c9f0d4b6f8f6f0c1d2e3f4a5b"


class Problem(Struct, frozen=True):
    """An error (RFC 9457). `type` is stable; `request_id` finds the request in the service's log."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class NotAcceptable(Problem, frozen=True):
    """The request accepts none of the media types that are `offered`."""

    offered: list[str]


class InvalidParameters(Problem, frozen=True):
    """Faults of parameters, all of a request at once."""

    errors: list[Fault]


def problem_example(name: str, detail: str) -> Problem:
    """Write a problem as it may come."""
    status, title = PROBLEMS[name]
    return Problem(TYPE_PREFIX + name, title, status, detail, _REQUEST_ID)


_FORBIDDEN = problem_example("forbidden", "The key is unknown, expired or revoked.")
_NOT_FOUND = problem_example("not-found", "No event names this id.")
_NOT_ACCEPTABLE = NotAcceptable(
    TYPE_PREFIX + "not-acceptable",
    PROBLEMS["not-acceptable"][1],
    406,
    "This is given as application/json.",
    _REQUEST_ID,
    [JSON],
)
_INVALID = InvalidParameters(
    TYPE_PREFIX + "invalid-parameters",
    PROBLEMS["invalid-parameters"][1],
    422,
    "limit must be from 1 to 1000",
    _REQUEST_ID,
    [Fault("limit", "out_of_range", "must be from 1 to 1000")],
)


class RateLimited(Problem, frozen=True):
    """A rate limit is reached: those of `violated_policies`, by their names in `RateLimit-Policy`."""

    violated_policies: list[str]


_RATE_LIMITED = RateLimited(
    TYPE_PREFIX + "rate-limited",
    PROBLEMS["rate-limited"][1],
    429,
    "The tenant may send 100 requests a second. Nothing was recorded: the same request can be sent again.",
    _REQUEST_ID,
    ["tenant-requests"],
)


class OtherLog(Problem, frozen=True):
    """The request goes by positions of another log than the one that goes on, whose id is `log_id`.

    `agreed_to`: the position up to which both are the same, null where that is not known.
    """

    log_id: str
    agreed_to: int | None


class Behind(Problem, frozen=True):
    """What is waited for is not there yet; `log_position` is the head of the log."""

    log_position: int


class BeyondHead(Problem, frozen=True):
    """A reader goes on behind a position that the log does not have: its head is `log_position`."""

    log_position: int


_OTHER_LOG = OtherLog(
    TYPE_PREFIX + "other-log",
    PROBLEMS["other-log"][1],
    409,
    "What you go by is of another log than the one that goes on, as it is after a restore.",
    _REQUEST_ID,
    "00112233445566778899aabbccddeeff",
    484,
)
_BEYOND_HEAD = BeyondHead(
    TYPE_PREFIX + "beyond-head",
    PROBLEMS["beyond-head"][1],
    409,
    "You go on after position 500, and the head of the log is 484.",
    _REQUEST_ID,
    484,
)
_BEHIND = Behind(
    TYPE_PREFIX + "read-models-behind",
    PROBLEMS["read-models-behind"][1],
    503,
    "The read models are not at position 484 yet.",
    _REQUEST_ID,
    484,
)
_TOO_MANY_QUERIES = problem_example(
    "too-many-queries",
    "200 queries of the tenant, or half as many with this key, wait for their turn already.",
)
_TOO_MANY_STREAMS = problem_example(
    "too-many-streams", "With this key 200 streams are open already."
)
_TOO_SLOW = problem_example(
    "query-too-slow",
    "The query took longer than 30 s and was ended. Ask for less: narrow it by its filters, as from and to,"
    " or to one player or game, or give a smaller limit.",
)
_UNAVAILABLE = problem_example("store-unavailable", "The store is out of reach or did not confirm.")


def problem(description: str, *examples: Problem) -> ResponseSpec:
    """Describe a problem that a query can be answered with."""
    return ResponseSpec(
        Union[*dict.fromkeys(map(type, examples))],
        generate_examples=False,
        description=description,
        media_type=MEDIA_TYPE,
        examples=[Example(value=example) for example in examples],
    )


QUERY_PROBLEMS: Mapping[int, ResponseSpec] = {
    403: problem("The key does not allow this; nothing is told of what exists.", _FORBIDDEN),
    406: problem(
        "The request accepts none of the media types there are; `offered` lists them.",
        _NOT_ACCEPTABLE,
    ),
    409: problem(
        "`log_id` or `cursor` is of another log than the one that goes on, as it is after a restore from an"
        " older backup. `agreed_to` is the position up to which both are the same, null where that is not"
        " known.",
        _OTHER_LOG,
    ),
    422: problem("Unknown, malformed or repeated parameters, all faults at once.", _INVALID),
    429: problem(
        "A rate limit of the tenant or the key is reached: `Retry-After` says when the same request is let"
        " in, if nobody else takes from the limit. Or as many queries of the tenant or with the key wait for"
        " their turn as may; or too many unknown keys came from this address. Or, for a long answer in CSV,"
        " as many are being read as may.",
        _RATE_LIMITED,
        _TOO_MANY_QUERIES,
        _TOO_MANY_STREAMS,
    ),
    503: problem(
        "`at_least` is not reached yet, the query took too long and was ended, or the store is out of"
        " reach; or the scope `audit` is needed and the host only reads. `Retry-After` says when to"
        " try again; a query that takes too long is better narrowed.",
        _BEHIND,
        _TOO_SLOW,
        _UNAVAILABLE,
    ),
}
"""The problems that every query can be answered with."""

REPORT_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    422: problem(
        "Unknown, malformed or repeated parameters, all faults at once; or the report would be too long.",
        _INVALID,
        problem_example("report-too-long", "The report would have more than 10,000 rows."),
    ),
}
"""The same for reports."""

STREAM_PROBLEMS: Mapping[int, ResponseSpec] = {
    429: problem(
        "As many streams of the tenant or with the key are open, or as many of its queries wait for their"
        " turn, as may; or a rate limit is reached. `Retry-After` says when to try again.",
        _TOO_MANY_STREAMS,
        _TOO_MANY_QUERIES,
        _RATE_LIMITED,
    ),
}
"""The problems of what is answered as a stream, where they are more than those of queries."""

RESOURCE_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    404: problem("No event names this id.", _NOT_FOUND),
}
"""The same for a query that asks for one thing."""


BEYOND_HEAD = problem(
    "The log was restored from an older backup: the position to go on after is beyond its head (with nothing"
    " new to read the answer would be 200), or it is of another log by its id.",
    _BEYOND_HEAD,
    _OTHER_LOG,
)
"""The problems of a history that is to go on where it can't."""


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
                success.headers = {
                    "Log-Position": _log_position(),
                    "Log-Id": log_id_header(),
                    **(answer_headers or {}),
                }
                success.content[JSON].examples = {"example": Example(value=example)}
                for media_type, text in {**in_csv, **(streams or {})}.items():
                    success.content[media_type] = OpenAPIMediaType(
                        schema=Schema(type=OpenAPIType.STRING), example=text
                    )
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


def log_id_header() -> OpenAPIHeader:
    """Describe the header that stands beside each Log-Position."""
    return OpenAPIHeader(
        schema=Schema(type=OpenAPIType.STRING, pattern="^[0-9a-f]{32}$"),
        description="The log that the position is of: what to send as `log_id` with it. After a restore from"
        " an older backup, a recovery to a point in time or a failover it is another one.",
    )


def _log_position() -> OpenAPIHeader:
    return OpenAPIHeader(
        schema=Schema(type=OpenAPIType.INTEGER),
        description="The position of the log up to which the answer includes all events.",
    )
