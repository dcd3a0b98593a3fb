"""The evidence of a log: `GET /api/v1/evidence/checkpoint` and `/keys`."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from api.documentation.evidence import NOTE, ORIGIN, VKEY, evidence_operation
from api.documentation.problems import EVIDENCE_PROBLEMS
from api.http.accept import JSON, TEXT
from api.http.problems import ProblemError
from api.querying.evidence import UNCHANGING, answer_as, asked_as, sealed
from api.querying.parameters import Apart, NoFilters, Query
from api.querying.queries import Queries
from app.evidence.log_keys import KeySpan, key_spans, log_keys
from app.evidence.proving import NoSuchCheckpointError, NotSealedError, issued_note
from app.log.leaves import current_log
from domain.evidence.notes import parse_verifier_key
from domain.ids import Ordinal
from postgres.connections import Pool


class CheckpointFilters(Struct, frozen=True):
    """Which checkpoint."""

    size: Ordinal | None = None


class Keys(Struct, frozen=True):
    """The keys of a log, oldest first, and the signed notes by which they follow each other."""

    origin: str
    keys: list[KeySpan]
    statements: list[str]


CHECKPOINT: Query[CheckpointFilters, None] = Query(
    "checkpoint",
    CheckpointFilters,
    {
        "size": (
            "The checkpoint of exactly this size, if one was issued. Absent: the newest one.",
            Apart(484),
        )
    },
    waits=False,
)
KEYS: Query[NoFilters, None] = Query("keys", NoFilters, {}, waits=False)

_KEYS_EXAMPLE = Keys(
    ORIGIN,
    [KeySpan(VKEY, from_size=0, to_size=None, revoked=False)],
    [],
)


@get(
    "/api/v1/evidence/checkpoint",
    tags=["evidence"],
    summary="Read a checkpoint of the log",
    opt={"scope": "audit"},
    operation_class=evidence_operation(CHECKPOINT, {TEXT: NOTE}),
    responses=EVIDENCE_PROBLEMS,
)
async def show_checkpoint(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[str]:
    """Read what was signed of the log: its origin, its size and the root of its tree (C2SP tlog-checkpoint).

    A note with a line of each key of the log, and one of each witness that signed it. Who keeps it can prove
    later that nothing up to it was changed. A log that grows is sealed at most once a second.
    """
    asked, _ = asked_as(request, CHECKPOINT, [TEXT])
    size = asked.filters.size
    try:
        note = await sealed(queries, lambda pool: issued_note(pool, asked.tenant_id, size))
    except NoSuchCheckpointError:
        detail = f"No checkpoint of size {size} was issued; greater ones were."
        raise ProblemError("not-found", detail) from None
    cache_control = "no-cache" if size is None else UNCHANGING
    return answer_as(str(note), TEXT, cache_control)


@get(
    "/api/v1/evidence/keys",
    tags=["evidence"],
    summary="List the keys that sign the log",
    opt={"scope": "audit"},
    operation_class=evidence_operation(KEYS, {JSON: _KEYS_EXAMPLE}),
    responses=EVIDENCE_PROBLEMS,
)
async def list_log_keys(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Keys]:
    """List the public keys of the log, oldest first, each with the sizes that it signs.

    Trust the key that was handed over when the tenant was made, and what follows it by a statement that both
    signed; not this list. A key that was followed signs beside the next one for 30 days more.
    """
    asked, _ = asked_as(request, KEYS, [JSON])

    def read(pool: Pool) -> Keys:
        with pool.connection() as connection:
            log = current_log(connection, asked.tenant_id)
            keys = [] if log is None else log_keys(connection, log)
        if not keys:
            raise NotSealedError(0)
        notes = [key.note for key in keys if key.note is not None]
        return Keys(parse_verifier_key(keys[0].vkey).name, key_spans(keys), notes)

    return answer_as(await sealed(queries, read), JSON, "no-cache")
