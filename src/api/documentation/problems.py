"""With which problems requests can be answered, as the OpenAPI document says it: by kinds of operations."""

from collections.abc import Mapping

from litestar.openapi import ResponseSpec

from api.documentation.problem_kinds import (
    Behind,
    BeyondHead,
    BodyTooLarge,
    InvalidItems,
    InvalidParameters,
    NotAcceptable,
    NotSealed,
    OtherLog,
    RateLimited,
    example,
    problem,
    simple,
)
from api.http.accept import JSON
from api.querying.parameters import Fault as ParameterFault
from app.wire.faults import Fault as ItemFault

FORBIDDEN = simple("forbidden", "The key is unknown, expired or revoked.")
RATE_LIMITED = example(
    RateLimited,
    "rate-limited",
    "The tenant may send 100 requests a second. Nothing was recorded: the same request can be sent again.",
    violated_policies=["tenant-requests"],
)
UNAVAILABLE = simple("store-unavailable", "The store is out of reach or did not confirm.")
TOO_SLOW = simple(
    "query-too-slow",
    "The query took longer than 30 s and was ended. Ask for less: narrow it by its filters, as from and to,"
    " or to one player or game, or give a smaller limit.",
)
_READ_ONLY = simple(
    "read-only",
    "With the scope audit each request is recorded before it is answered, which can't be on this host, which"
    " reads from a standby. Ask a host that writes.",
)
_STARTING = simple("starting", "The service starts.")
_INVALID = example(
    InvalidParameters,
    "invalid-parameters",
    "limit must be from 1 to 1000",
    errors=[ParameterFault("limit", "out_of_range", "must be from 1 to 1000")],
)
_OTHER_LOG = example(
    OtherLog,
    "other-log",
    "What you go by is of another log than the one that goes on, as it is after a restore.",
    log_id="00112233445566778899aabbccddeeff",
    agreed_to=484,
)
_TOO_MANY_QUERIES = simple(
    "too-many-queries",
    "200 queries of the tenant, or half as many with this key, wait for their turn already.",
)
_TOO_MANY_STREAMS = simple("too-many-streams", "With this key 200 streams are open already.")

QUERY_PROBLEMS: Mapping[int, ResponseSpec] = {
    403: problem(
        "Forbidden", "The key does not allow this; nothing is told of what exists.", FORBIDDEN
    ),
    406: problem(
        "NotAcceptable",
        "The request accepts none of the media types there are; `offered` lists them.",
        example(
            NotAcceptable, "not-acceptable", "This is given as application/json.", offered=[JSON]
        ),
    ),
    409: problem(
        "OtherLog",
        "`log_id` or `cursor` is of another log than the one that goes on, as it is after a restore from an"
        " older backup. `agreed_to` is the position up to which both are the same, null where that is not"
        " known.",
        _OTHER_LOG,
    ),
    422: problem(
        "InvalidParameters",
        "Unknown, malformed or repeated parameters, all faults at once.",
        _INVALID,
    ),
    429: problem(
        "TooMany",
        "A rate limit of the tenant or the key is reached: `Retry-After` says when the same request is let"
        " in, if nobody else takes from the limit. Or as many queries of the tenant or with the key wait for"
        " their turn as may; or too many unknown keys came from this address. Or, for a long answer in CSV,"
        " as many are being read as may.",
        RATE_LIMITED,
        _TOO_MANY_QUERIES,
        _TOO_MANY_STREAMS,
    ),
    503: problem(
        "Unavailable",
        "`at_least` is not reached yet, the query took too long and was ended, or the store is out of"
        " reach; or the scope `audit` is needed and the host only reads. `Retry-After` says when to"
        " try again; a query that takes too long is better narrowed.",
        example(
            Behind,
            "read-models-behind",
            "The read models are not at position 484 yet.",
            log_position=484,
        ),
        TOO_SLOW,
        UNAVAILABLE,
        _READ_ONLY,
        _STARTING,
    ),
}
"""The problems that every query can be answered with."""

REPORT_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    422: problem(
        "ReportRefused",
        "Unknown, malformed or repeated parameters, all faults at once; or the report would be too long.",
        _INVALID,
        simple("report-too-long", "The report would have more than 10,000 rows."),
    ),
}
"""The same for reports."""

STREAM_PROBLEMS: Mapping[int, ResponseSpec] = {
    429: problem(
        "TooManyStreams",
        "As many streams of the tenant or with the key are open, or as many of its queries wait for their"
        " turn, as may; or a rate limit is reached. `Retry-After` says when to try again.",
        _TOO_MANY_STREAMS,
        _TOO_MANY_QUERIES,
        RATE_LIMITED,
    ),
}
"""The problems of what is answered as a stream, where they are more than those of queries."""

RESOURCE_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    404: problem(
        "NotFound", "No event names this id.", simple("not-found", "No event names this id.")
    ),
}
"""The same for a query that asks for one thing."""

TENANT_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    404: problem(
        "NoSuchTenant",
        "There is no tenant of this name.",
        simple("not-found", "There is no tenant 'acme'."),
    ),
}
"""The same for who operates the service and asks about one tenant."""

BEYOND_HEAD = problem(
    "BeyondHead",
    "The log was restored from an older backup: the position to go on after is beyond its head (with nothing"
    " new to read the answer would be 200), or it is of another log by its id.",
    example(
        BeyondHead,
        "beyond-head",
        "You go on after position 500, and the head of the log is 484.",
        log_position=484,
    ),
    _OTHER_LOG,
)
"""The problems of a history that is to go on where it can't."""

EVIDENCE_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    404: problem(
        "NotSealed",
        "It is not sealed yet: `Retry-After` says when to ask again. Or there is no such thing.",
        example(NotSealed, "not-sealed", "The log is sealed up to size 3.", evidence_size=3),
        simple("not-found", "No checkpoint of size 2 was issued; greater ones were."),
    ),
    503: problem(
        "EvidenceUnavailable",
        "The query took too long and was ended, or the store is out of reach; or the host only reads."
        " `Retry-After` says when to try again.",
        TOO_SLOW,
        UNAVAILABLE,
        _READ_ONLY,
        _STARTING,
    ),
}
"""The problems that every question about evidence can be answered with."""

INGEST_PROBLEMS: Mapping[int, ResponseSpec] = {
    400: problem(
        "MalformedBody",
        "The body is not JSON in UTF-8, not what its Content-Encoding says, or never whole.",
        simple("malformed-body", "The body is not JSON: it ends too soon."),
    ),
    403: problem(
        "IngestForbidden",
        "The key does not allow this; nothing is told of what exists. Or the tenant is closed"
        " (`tenant-closed`); nothing is recorded.",
        FORBIDDEN,
        simple("tenant-closed", "The tenant acme is closed: nothing was recorded."),
    ),
    408: problem(
        "BodyTooSlow",
        "The body took too long to arrive, or brought too little for some seconds.",
        simple("body-too-slow", "The body took too long to arrive."),
    ),
    413: problem(
        "BodyTooLarge",
        "More bytes or more items than one request may hold.",
        example(
            BodyTooLarge,
            "body-too-large",
            "The body has more than 16,777,216 bytes.",
            limit_bytes=16_777_216,
        ),
        simple("too-many-items", "The batch holds more than 10,000 items."),
    ),
    415: problem(
        "UnsupportedBody",
        "Another content type or encoding.",
        simple("unsupported-media-type", "The body must be application/json in UTF-8."),
        simple("unsupported-encoding", "The content encoding br is not supported."),
    ),
    422: problem(
        "InvalidItems",
        "One or more items are invalid; nothing is recorded.",
        example(
            InvalidItems,
            "invalid-items",
            "faults: 1; at '/items/3/data/amount': must be a number",
            errors=[ItemFault("/items/3/data/amount", "wrong_type", "must be a number")],
        ),
    ),
    429: problem(
        "TooMuch",
        "A rate limit of the tenant or the key is reached, in requests, items or bytes; nothing is recorded."
        " The same batch can be sent again as it is: `Retry-After` says when.",
        RATE_LIMITED,
    ),
    503: problem(
        "NotConfirmed",
        "The store did not confirm the batch in time, so it may be recorded or not; or the service has no"
        " room for it, or starts, or only reads (`read-only`: nothing is recorded, send it to another host)."
        " The same batch can be sent again as it is: `Retry-After` says when.",
        UNAVAILABLE,
        simple("too-busy", "The service holds as much as it can."),
        _STARTING,
    ),
}
"""The problems that a batch can be answered with."""

OPERATOR_PROBLEMS: Mapping[int, ResponseSpec] = {
    404: problem(
        "Elsewhere",
        "It is served on the address for operators, not here.",
        simple("not-found", "This is served on the address for operators, not here."),
    ),
}
"""The problems of what is for operators, who may have an address of their own."""

FAULT_OF_THE_SERVICE = simple(
    "internal-error",
    "Something went wrong here, not with the request. It was logged under the request_id.",
)
