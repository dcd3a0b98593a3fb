"""What each problem holds, for the OpenAPI document, and how one is described there with examples."""

from typing import Annotated, Any, Literal, TypeVar, Union

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import Meta, Struct

from api.http.problems import MEDIA_TYPE, PROBLEMS, TYPE_PREFIX
from api.querying.parameters import Fault as ParameterFault
from app.wire.faults import Fault as ItemFault

Type = Annotated[
    str,
    Meta(
        description="The stable name of the problem; there may be more of them with a later version.",
        examples=[TYPE_PREFIX + "forbidden"],
    ),
]

REQUEST_ID = "5f0c6d1c9f0d4b6f8f6f0c1d2e3f4a5b"


class Problem(Struct, frozen=True, kw_only=True):
    """An error (RFC 9457). `type` is stable; `request_id` finds the request in the service's log."""

    type: Type
    title: str
    status: int
    detail: str
    request_id: str


class NotAcceptable(Problem, frozen=True, kw_only=True):
    """The request accepts none of the media types that are `offered`."""

    type: Literal["urn:roundbook:problem:not-acceptable"]
    offered: list[str]


class InvalidParameters(Problem, frozen=True, kw_only=True):
    """Faults of parameters, all of a request at once."""

    type: Literal["urn:roundbook:problem:invalid-parameters"]
    errors: list[ParameterFault]


class InvalidItems(Problem, frozen=True, kw_only=True):
    """Faults of items, up to 1,000 of a request at once."""

    type: Literal["urn:roundbook:problem:invalid-items"]
    errors: list[ItemFault]


class BodyTooLarge(Problem, frozen=True, kw_only=True):
    """The body has more than `limit_bytes`."""

    type: Literal["urn:roundbook:problem:body-too-large"]
    limit_bytes: int


class RateLimited(Problem, frozen=True, kw_only=True):
    """A rate limit is reached: those of `violated_policies`, by their names in `RateLimit-Policy`."""

    type: Literal["urn:roundbook:problem:rate-limited"]
    violated_policies: list[str]


class OtherLog(Problem, frozen=True, kw_only=True):
    """The request goes by positions of another log than the one that goes on, whose id is `log_id`.

    `agreed_to`: the position up to which both are the same, null where that is not known.
    """

    type: Literal["urn:roundbook:problem:other-log"]
    log_id: str
    agreed_to: int | None


class Behind(Problem, frozen=True, kw_only=True):
    """What is waited for is not there yet; `log_position` is the head of the log."""

    type: Literal["urn:roundbook:problem:read-models-behind"]
    log_position: int


class BeyondHead(Problem, frozen=True, kw_only=True):
    """A reader goes on behind a position that the log does not have: its head is `log_position`."""

    type: Literal["urn:roundbook:problem:beyond-head"]
    log_position: int


class NotSealed(Problem, frozen=True, kw_only=True):
    """More is asked for than is sealed: `evidence_size` events are."""

    type: Literal["urn:roundbook:problem:not-sealed"]
    evidence_size: int


P = TypeVar("P", bound=Problem)


def example(kind: type[P], name: str, detail: str, **members: Any) -> P:
    """Write a problem as it may come."""
    status, title = PROBLEMS[name]
    return kind(
        type=TYPE_PREFIX + name,
        title=title,
        status=status,
        detail=detail,
        request_id=REQUEST_ID,
        **members,
    )


NAMED: dict[str, str] = {}
"""The names of problems that many operations have, by their descriptions."""


def problem(name: str, description: str, *examples: Problem) -> ResponseSpec:
    """Describe a problem that a request can be answered with, with an example of each there is."""
    NAMED[description] = name
    return ResponseSpec(
        Union[*dict.fromkeys(map(type, examples))],
        generate_examples=False,
        description=description,
        media_type=MEDIA_TYPE,
        examples=[Example(id=_name(each), value=each) for each in examples],
    )


def simple(name: str, detail: str) -> Problem:
    """Write a problem without members of its own as it may come."""
    return example(Problem, name, detail)


def _name(problem: Problem) -> str:
    return problem.type.removeprefix(TYPE_PREFIX)
