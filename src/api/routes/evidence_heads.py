"""Whether a stream is whole: `GET /api/v1/evidence/heads`."""

from base64 import b64decode
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from msgspec.structs import asdict

from api.documentation.evidence import NOTE, ORIGIN, evidence_operation
from api.documentation.problems import EVIDENCE_PROBLEMS
from api.http.accept import JSON
from api.http.problems import ProblemError
from api.querying.evidence import answer_as, asked_as, sealed
from api.querying.parameters import Apart, Fault, Query
from api.querying.queries import Queries
from app.evidence.head_proofs import StreamProof, prove
from app.evidence.proving import cosigned, sealed_log
from domain.ids import Id
from domain.streams import game_stream, player_stream
from postgres.connections import Pool


class HeadsFilters(Struct, frozen=True):
    """Which stream: by its name, or whose it is."""

    stream: str | None = None
    player_id: Id | None = None
    game_id: Id | None = None


class StreamEnd(StreamProof, frozen=True, kw_only=True):
    """Where a stream ended, as far as the statement is true; hashes, entries and the statement in base64.

    For a stream that the statement doesn't have, `entry`, `index`, `version`, `position` and `proof` are
    null, and `neighbours` are the heads around its place. `log_checkpoint` is the log's newest checkpoint,
    to which `consistency` leads from the statement.
    """

    log_checkpoint: str


def _fault(filters: HeadsFilters) -> Fault | None:
    if not any((filters.stream, filters.player_id, filters.game_id)):
        return Fault("stream", "missing", "must be given and not empty, or player_id, or game_id")
    return None


QUERY: Query[HeadsFilters, None] = Query(
    "heads",
    HeadsFilters,
    {
        "stream": ("The name of the stream, as history has it.", Apart("player:StQ-1")),
        "player_id": ("The stream of this player.", "StQ-1"),
        "game_id": ("The stream of this game's catalogue updates.", Apart("btg/bonanza")),
    },
    exclusive=("stream", "player_id", "game_id"),
    check=_fault,
    waits=False,
)

EXAMPLE = StreamEnd(
    statement=b64decode(
        "AQARIjNEVWZ3iJmqu8zd7v8AAAAAAAAAA4AKIJqXa03VSSy6DZdYInpWOKvWYCbrU37+hmj1jvt2AAAAAAAAAAIJJ6Wa"
        "nut02QfrT7C0V9+Vij7kHM+3ncRXzBgaxGgHKg=="
    ),
    consistency=[],
    checkpoint=f"{ORIGIN}/heads\n1\nJWL0ODJK2jBzyonDQPjhP0DNghscqcH258SyrbcVZ/U=\n"
    f"\n— {ORIGIN} PjtUx+0LCABDhQCeCSfel0HR26TOeYGlEoM35Ch9e9uGs/tHY5NovD2/HrWp7mY6UMCwaN7zautHGl5rB+khSjGT"
    "yQY=\n",
    statement_index=0,
    statement_proof=[],
    stream="player:StQ-1",
    entry=b64decode("AQAMcGxheWVyOlN0US0xAAAAAgAAAAAAAAAC"),
    index=1,
    version=2,
    position=2,
    proof=[b64decode("lMrc+I5aX16gvlmcKLEKt3+yTfwkKam7wOVAZJ2xxKs=")],
    log_checkpoint=NOTE,
)
"""Of the log of three events that all examples of evidence are of."""


@get(
    "/api/v1/evidence/heads",
    tags=["evidence"],
    summary="Prove where a stream ends",
    opt={"scope": "audit"},
    operation_class=evidence_operation(QUERY, {JSON: EXAMPLE}),
    responses=EVIDENCE_PROBLEMS,
)
async def show_heads(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[StreamEnd]:
    """Prove which version of a stream was its last one, so that nothing can be left out of it unseen.

    By the newest statement of the log's heads, which says of the log as it was at some size how each of its
    streams ends. It is signed as a leaf of a log of its own, `<origin>/heads`. There is one a day where the
    log grows, the first soon after the first event, and one whenever `roundbook evidence attest` is
    called; before the first the answer is 404. A stream that the statement does not have is proven by the
    heads between which it would stand.

    What the statement says is the operator's word, that can't be taken back: a later version of the
    stream at a position up to the statement's size convicts it, and who holds the whole log can make the
    statement again.
    """
    asked, _ = asked_as(request, QUERY, [JSON])
    stream = _stream(asked.filters)
    view = await sealed(queries, lambda pool: _end(pool, asked.tenant_id, stream))
    return answer_as(view, JSON, "no-cache")


def _stream(filters: HeadsFilters) -> str:
    if filters.player_id is not None:
        return player_stream(filters.player_id)
    if filters.game_id is not None:
        return game_stream(filters.game_id)
    return filters.stream or ""


def _end(pool: Pool, tenant_id: int, stream: str) -> StreamEnd:
    with pool.connection() as connection:
        log, newest = sealed_log(connection, tenant_id)
        proof = prove(connection, log, stream, newest.size)
        note = cosigned(connection, log, "log", newest)
    if proof is None:
        detail = "No statement of the log's heads was made yet."
        raise ProblemError("not-sealed", detail, evidence_size=newest.size)
    return StreamEnd(**asdict(proof), log_checkpoint=str(note))
