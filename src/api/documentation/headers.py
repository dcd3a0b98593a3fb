"""The headers of answers in the OpenAPI document: those that tell something of what was asked."""

from collections.abc import Mapping
from typing import Any

from litestar.openapi.spec import OpenAPIHeader, Schema
from litestar.openapi.spec.enums import OpenAPIType

_COUNT = Schema(type=OpenAPIType.INTEGER, minimum=0)
_TEXT = Schema(type=OpenAPIType.STRING)


def always(schema: Schema, description: str) -> OpenAPIHeader:
    """Describe a header that each such answer has."""
    return OpenAPIHeader(schema=schema, description=description, required=True)


def sometimes(schema: Schema, description: str) -> OpenAPIHeader:
    """Describe a header that only some such answers have."""
    return OpenAPIHeader(schema=schema, description=description)


LOG_ID = always(
    Schema(type=OpenAPIType.STRING, pattern="^[0-9a-f]{32}$"),
    "The log that the position is of: what to send as `log_id` with it. After a restore from an older"
    " backup, a recovery to a point in time or a failover it is another one.",
)
LOG_POSITION = always(_COUNT, "The position of the log up to which the answer includes all events.")
EVIDENCE_SIZE = always(
    _COUNT,
    "How many events of the log are sealed, from the first one on: the size of its newest checkpoint, 0 if"
    " there is none.",
)
UNBUFFERED = sometimes(_TEXT, "Tells nginx to pass a stream on as it comes.")
POLICY = sometimes(
    _TEXT, "Of a page: what it may load and run, which is nothing but its own style."
)
FILE = sometimes(_TEXT, "What to call the file, where the answer is one.")
PREFERENCE_APPLIED = sometimes(_TEXT, "Which preferences were honoured (RFC 7240).")

OF_INGEST: Mapping[str, OpenAPIHeader] = {
    "Events-Stored": always(_COUNT, "How many items were recorded by this request."),
    "Events-Duplicate": always(_COUNT, "How many were recorded before, with the same content."),
    "Events-Conflict": always(
        _COUNT, "How many were refused: something else is recorded under their unique_id."
    ),
    "Events-Invalid": sometimes(
        _COUNT, "How many were left out for their faults; where that may be."
    ),
    "Events-Ignored": sometimes(
        _COUNT, "How many tell nothing that is recorded; where that may be."
    ),
    "Log-Position": always(
        _COUNT, "Once a read model has reached it, the whole batch is visible in it."
    ),
    "Log-Id": LOG_ID,
    "Preference-Applied": PREFERENCE_APPLIED,
}
"""Those of a batch that was taken."""

OF_CHECKS: Mapping[str, OpenAPIHeader] = {
    "Log-Position": always(_COUNT, "The position of the log up to which it was looked at."),
    "Log-Id": LOG_ID,
}

COMMON: Mapping[str, Any] = {
    "X-Content-Type-Options": {
        "description": "The answer is of its content type, and of no other that a browser may guess.",
        "required": True,
        "schema": {"type": "string", "const": "nosniff"},
    },
    "X-Request-Id": {
        "description": "Finds the request in the service's log: the client's own id, if it sent a fit one.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "After how many seconds to send the same request again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
}
"""Those of all answers, and of all that may be asked again, as components."""

PERHAPS: Mapping[str, Any] = {
    "Retry-After": {
        "description": "After how many seconds it may be answered otherwise, where that is known.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Log-Position": {
        "description": "The position of the log by which it was answered, where it was looked at.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Log-Id": {
        "description": "The log that the position is of.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
}
"""Those of answers that may have been decided by what the log has by now."""

CACHING: Mapping[str, Any] = {
    "Cache-Control": {
        "description": "Whether it may be kept: what is a tenant's is not, but for proofs that never change.",
        "schema": {"type": "string"},
        "example": "no-store",
    },
}
"""That of answers below `/api`."""

LIMITS: Mapping[str, Any] = {
    "RateLimit": {
        "description": "What is left of the limits of the tenant and the key, where they have any.",
        "schema": {"type": "string"},
        "example": '"tenant-requests";r=99;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limits of the tenant and the key, where they have any.",
        "schema": {"type": "string"},
        "example": '"tenant-requests";q=100;w=1',
    },
}
"""Those of answers to who has a limit."""
