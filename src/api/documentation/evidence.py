"""What the OpenAPI document says of the routes of evidence, which answer in other forms than queries do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from api.documentation.operations import (
    NEEDS_KEY,
    QUERY_PROBLEMS,
    Problem,
    problem,
    problem_example,
    query_parameters,
)
from api.http.accept import JSON
from api.http.problems import PROBLEMS, TYPE_PREFIX
from api.querying.parameters import Query

LOG_ID = "00112233445566778899aabbccddeeff"
ORIGIN = f"roundbook.invalid/log/{LOG_ID}"
HASHES = (
    "/eqxJfmMXErc3nn1RG8zrXUnEghyRSltq37C6+fsnZM=",
    "t5lhAlnecZM3c+kVxCmiNZI7Q2PP6kKmcrtqU1Dp9+s=",
    "o9uEJOIJGr36zq9d2RxVWhF4oLKWF34BKwL9WjkAC2g=",
)
"""The leaves of a log of three events."""

NOTE = (
    f"{ORIGIN}\n3\ngAogmpdrTdVJLLoNl1gielY4q9ZgJutTfv6GaPWO+3Y=\n"
    f"\n— {ORIGIN} PjtUx/bG8G7vuENYnTHGa/i7JMzWJaKVhIdT2X2tsS5VrpawiUSqErlXx0InCCUPGDYrRaJHttHDnbtnlwnSpiIP"
    "ZQk=\n"
)
"""The checkpoint of that log, signed with the key of `VKEY`."""

VKEY = f"{ORIGIN}+3e3b54c7+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"


class NotSealed(Problem, frozen=True):
    """More is asked for than is sealed: `evidence_size` events are."""

    evidence_size: int


_NOT_SEALED = NotSealed(
    TYPE_PREFIX + "not-sealed",
    PROBLEMS["not-sealed"][1],
    404,
    "The log is sealed up to size 3.",
    "5f0c6d1c9f0d4b6f8f6f0c1d2e3f4a5b",
    3,
)

EVIDENCE_PROBLEMS: Mapping[int, ResponseSpec] = {
    **QUERY_PROBLEMS,
    404: problem(
        "What is asked for is not sealed yet: `Retry-After` says when to ask again.", _NOT_SEALED
    ),
    503: problem(
        "The query took too long and was ended, or the store is out of reach. `Retry-After` says when to try"
        " again.",
        problem_example("query-too-slow", "The query took longer than 30 s and was ended."),
        problem_example("store-unavailable", "The store is out of reach or did not confirm."),
    ),
}
"""The problems that every question about evidence can be answered with."""

EVIDENCE_SIZE = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.INTEGER),
    description="How many events of the log are sealed, from the first one on: the size of its newest"
    " checkpoint, 0 if there is none.",
)


def evidence_operation(query: Query[Any, None], answers: Mapping[str, object]) -> type[Operation]:
    """Make the operation class of a route. `answers`: an example for each media type, None for bytes."""

    @dataclass
    class EvidenceOperation(Operation):
        def __post_init__(self) -> None:
            self.security = NEEDS_KEY
            self.parameters = [*(self.parameters or []), *query_parameters(query)]
            responses = dict(self.responses or {})
            # Litestar documents its own validation of path parameters, which is never at work here.
            responses.pop("400", None)
            success = responses["200"]
            if isinstance(success, OpenAPIResponse):
                made = success.content or {}
                success.content = {
                    media_type: _content(media_type, example, made)
                    for media_type, example in answers.items()
                }
            self.responses = responses

    return EvidenceOperation


def _content(
    media_type: str, example: object, made: Mapping[str, OpenAPIMediaType]
) -> OpenAPIMediaType:
    if media_type == JSON:
        content = made[JSON]
        content.examples = {"example": Example(value=example)}
        return content
    if example is None:
        return OpenAPIMediaType(schema=Schema(content_media_type=media_type))
    return OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING), example=example)
