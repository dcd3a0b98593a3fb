"""Proofs: `GET /api/v1/evidence/inclusion` and `/consistency`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct, field

from api.documentation.evidence import HASHES, NOTE, evidence_operation
from api.documentation.problems import EVIDENCE_PROBLEMS
from api.http.accept import JSON, TEXT
from api.http.problems import ProblemError
from api.querying.evidence import UNCHANGING, answer_as, asked_as, sealed
from api.querying.parameters import Apart, Fault, Query
from api.querying.queries import Queries
from app.evidence.proving import Inclusion, prove_consistency, prove_inclusion
from domain.evidence.bundles import encoded
from domain.evidence.leaves import NO_SALT, CommittedEvent
from domain.evidence.notes import encode_base64
from domain.evidence.proof_text import proof_text
from domain.ids import Ordinal


class InclusionFilters(Struct, frozen=True):
    """Which event, in the tree of which size."""

    position: Ordinal
    size: Ordinal | None = None


class ConsistencyFilters(Struct, frozen=True):
    """From which size to which."""

    older: Ordinal = field(name="from")
    newer: Ordinal = field(name="to")


class CommittedView(Struct, frozen=True):
    """What the leaf of an event is made of beside what history shows, bytes in hexadecimal.

    `commitment` is given where the event was erased, in place of salt and data; else it is null.
    """

    key: str | None
    occurred_at: datetime | None
    salt: str
    commitment: str | None


class InclusionView(Struct, frozen=True):
    """That the leaf of an event is in the tree of a size: hashes and bytes in base64.

    `leaf_hash` is as it was sealed, `leaf` made from the event as it is recorded now, null where it is gone,
    and `committed` what it is made of. `checkpoint` is a signed note, null where none of that size was
    issued.
    """

    position: int
    index: int
    size: int
    leaf_hash: str
    leaf: str | None
    proof: list[str]
    checkpoint: str | None
    committed: CommittedView | None


class ConsistencyView(Struct, frozen=True, rename={"older": "from", "newer": "to"}):
    """That the log of a size continues the one of an older size; hashes in base64, none if they are equal."""

    older: int
    newer: int
    proof: list[str]


def _position_fault(filters: InclusionFilters) -> Fault | None:
    if filters.size is None or filters.position <= filters.size:
        return None
    return Fault("position", "contradictory", f"must be at most the size, {filters.size}")


def _order_fault(filters: ConsistencyFilters) -> Fault | None:
    if filters.older <= filters.newer:
        return None
    return Fault(
        "from", "contradictory", f"must be at most the size that it goes to, {filters.newer}"
    )


INCLUSION: Query[InclusionFilters, None] = Query(
    "inclusion",
    InclusionFilters,
    {
        "position": ("The position of the event.", 1),
        "size": ("The size of the tree. Absent: that of the newest checkpoint.", Apart(484)),
    },
    check=_position_fault,
    waits=False,
)
CONSISTENCY: Query[ConsistencyFilters, None] = Query(
    "consistency",
    ConsistencyFilters,
    {
        "from": ("The size of the older tree, at least 1.", 1),
        "to": ("The size of the newer tree, at least that of the older one.", 100),
    },
    check=_order_fault,
    waits=False,
)

_LEAF = (
    "AQARIjNEVWZ3iJmqu8zd7v8AAAAAAAAAAQACzrwviVJAAAAAAbj5XAKYKsS+3em5wCQzdRDksN89zjOwAwxKcdNS48se"
)
_INCLUSION = InclusionView(
    position=1,
    index=0,
    size=3,
    leaf_hash=HASHES[0],
    leaf=_LEAF,
    proof=[*HASHES[1:]],
    checkpoint=NOTE,
    committed=CommittedView(
        key="c8cc2e9f9e93211bfa00f8cf8c66cc45",
        occurred_at=datetime(2025, 1, 15, 12, tzinfo=UTC),
        salt=NO_SALT.hex(),
        commitment=None,
    ),
)
_TEXT = "\n".join(("c2sp.org/tlog-proof@v1", f"extra {_LEAF}", "index 0", *HASHES[1:], "", NOTE))


@get(
    "/api/v1/evidence/inclusion",
    tags=["evidence"],
    summary="Prove that an event is in the log",
    opt={"scope": "audit"},
    operation_class=evidence_operation(INCLUSION, {JSON: _INCLUSION, TEXT: _TEXT}),
    responses=EVIDENCE_PROBLEMS,
)
async def show_inclusion(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[InclusionView]:
    """Prove that the leaf of an event is in the tree of a checkpoint (RFC 6962, section 2.1.1).

    With `Accept: text/plain` as a text to be kept and verified offline (C2SP tlog-proof), the leaf being its
    extra data; only for a size of which a checkpoint was issued. The proof for a size never changes. An
    answer that has a salt, without which nobody can try out what was erased, is not to be kept by caches.
    """
    asked, media_type = asked_as(request, INCLUSION, [JSON, TEXT])
    position, size = asked.filters.position, asked.filters.size
    found = await sealed(
        queries, lambda pool: prove_inclusion(pool, asked.tenant_id, position, size)
    )
    cache_control = "no-cache" if size is None else UNCHANGING
    if media_type == TEXT:
        return answer_as(_text(position, found), TEXT, cache_control)
    if found.event is not None and found.event.salt:
        cache_control = "no-store"
    return answer_as(_view(position, found), JSON, cache_control)


@get(
    "/api/v1/evidence/consistency",
    tags=["evidence"],
    summary="Prove that the log only grew",
    opt={"scope": "audit"},
    operation_class=evidence_operation(CONSISTENCY, {JSON: ConsistencyView(2, 3, [HASHES[2]])}),
    responses=EVIDENCE_PROBLEMS,
)
async def show_consistency(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[ConsistencyView]:
    """Prove that the log of a size continues the one of an older size (RFC 6962, section 2.1.2).

    Nothing that was in the older one was changed, removed or moved. The proof never changes.
    """
    asked, _ = asked_as(request, CONSISTENCY, [JSON])
    older, newer = asked.filters.older, asked.filters.newer
    proof = await sealed(
        queries, lambda pool: prove_consistency(pool, asked.tenant_id, older, newer)
    )
    return answer_as(ConsistencyView(older, newer, encoded(proof)), JSON, UNCHANGING)


def _view(position: int, found: Inclusion) -> InclusionView:
    return InclusionView(
        position=position,
        index=position - 1,
        size=found.size,
        leaf_hash=encode_base64(found.leaf_hash),
        leaf=None if found.leaf is None else encode_base64(found.leaf),
        proof=encoded(found.proof),
        checkpoint=None if found.checkpoint is None else str(found.checkpoint),
        committed=None if found.event is None else _committed(found.event),
    )


def _committed(event: CommittedEvent) -> CommittedView:
    return CommittedView(
        key=None if event.key is None else event.key.hex(),
        occurred_at=event.occurred_at,
        salt=(event.salt or NO_SALT).hex(),
        commitment=event.committed.hex() if event.state is None else None,
    )


def _text(position: int, found: Inclusion) -> str:
    if found.checkpoint is None:
        detail = f"No checkpoint of size {found.size} was issued, and this form needs one."
        raise ProblemError("not-found", detail)
    return proof_text(position - 1, found.proof, found.checkpoint, found.leaf)
