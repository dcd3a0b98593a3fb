"""What the routes of evidence share: what is asked, what is not sealed yet, what may be kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from litestar import Request, Response
from msgspec import Struct

from api.http.accept import negotiate
from api.http.auth import log_id_of, tenant_of
from api.http.problems import ProblemError
from api.querying.parameters import Asked, Query
from api.querying.queries import Queries
from app.evidence.proving import NotSealedError
from postgres.connections import Pool

F = TypeVar("F", bound=Struct)
V = TypeVar("V")

UNCHANGING = "private, max-age=31536000, immutable"
"""Of what never changes: for the caches of those who may ask for it, and no others."""


async def sealed(queries: Queries, read: Callable[[Pool], V], *, piece: bool = False) -> V:
    """Read something of a sealed log, or the next `piece` of a stream of it.

    Raises ProblemError `not-sealed`, and what the store raises.
    """
    try:
        return await (queries.piece_by_key(read) if piece else queries.by_key(read))
    except NotSealedError as error:
        raise ProblemError("not-sealed", str(error), evidence_size=error.size) from None


def asked_as(
    request: Request[Any, Any, Any], query: Query[F, None], offered: Sequence[str]
) -> tuple[Asked[F, None], str]:
    """Read what is asked for, and as which media type. Raises ProblemError: first 406, then 422."""
    media_type = negotiate(request, offered)
    tenant_id, log_id = tenant_of(request).tenant_id, log_id_of(request)
    asked, _ = query.read(request.scope["query_string"], tenant_id, log_id)
    return asked, media_type


def answer_as(
    content: Any, media_type: str, cache_control: str, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """Build an answer. The same path answers each key with what is its tenant's."""
    told = {"Cache-Control": cache_control, "Vary": "Accept, x-api-key", **(headers or {})}
    return Response(content, media_type=media_type, headers=told)
