"""Bundles: `GET /api/v1/evidence/bundle`, what an auditor takes away."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from api.documentation.evidence import evidence_operation
from api.documentation.problems import EVIDENCE_PROBLEMS, STREAM_PROBLEMS
from api.http.accept import ZIP
from api.http.auth import check_key
from api.http.streams import Streamed
from api.querying.evidence import asked_as, sealed
from api.querying.parameters import Apart, Fault, Query
from api.querying.queries import Queries
from app.evidence.bundle import Bundle, BundleOf
from domain.ids import Id, Ordinal
from domain.streams import player_stream


class BundleFilters(Struct, frozen=True):
    """The events of a player, or those at some positions; and since which size the log only grew."""

    from_position: Ordinal | None = None
    to_position: Ordinal | None = None
    player_id: Id | None = None
    since: Ordinal | None = None


def _fault(filters: BundleFilters) -> Fault | None:
    first, last = filters.from_position, filters.to_position
    if filters.player_id is not None and (first is not None or last is not None):
        return Fault("player_id", "contradictory", "can't be given together with positions")
    if first is not None and last is not None and first > last:
        return Fault("from_position", "contradictory", f"must be at most to_position, {last}")
    return None


QUERY: Query[BundleFilters, None] = Query(
    "bundle",
    BundleFilters,
    {
        "from_position": ("The first event. Absent: that at position 1.", 1),
        "to_position": ("The last event. Absent: the last one of the checkpoint.", 100),
        "player_id": ("All events of this player instead.", Apart("StQ-1")),
        "since": ("Prove too that the log continues the one of this size.", Apart(1)),
    },
    check=_fault,
    waits=False,
)


@get(
    "/api/v1/evidence/bundle",
    tags=["evidence"],
    summary="Take away a bundle of evidence",
    opt={"scope": "audit"},
    operation_class=evidence_operation(QUERY, {ZIP: None}),
    responses={**EVIDENCE_PROBLEMS, **STREAM_PROBLEMS},
)
async def take_bundle(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Any]:
    """Take away events with all that proves them, as a zip that `roundbook-verify` reads offline.

    Those of one player, or those between two positions, by default all; as they stand in the log at the
    checkpoint that the bundle holds. That is the newest one that a witness signed, if it reaches to
    `to_position`, or, without that, is of the hour before the newest of all, and has the newest statement of
    heads for a player; else the newest of all. A bundle that was broken off by a fault is no whole zip.
    """
    asked, _ = asked_as(request, QUERY, [ZIP])
    of = asked.filters
    wanted = BundleOf(
        stream=None if of.player_id is None else player_stream(of.player_id),
        first=of.from_position,
        last=of.to_position,
        since=of.since,
    )
    queries.open_stream()
    bundle = await sealed(queries, lambda pool: Bundle(pool, asked.tenant_id, wanted))
    headers = {
        "Content-Disposition": f'attachment; filename="{bundle.file_name}"',
        "Cache-Control": "no-store",
        "Vary": "Accept, x-api-key",
    }
    return Streamed(_pieces(request, queries, bundle), media_type=ZIP, headers=headers)


async def _pieces(
    request: Request[Any, Any, Any], queries: Queries, bundle: Bundle
) -> AsyncIterator[bytes]:
    """Give the pieces as they are sent; between two of them no thread and no connection is held."""
    pieces = bundle.pieces()
    while (piece := await sealed(queries, lambda _: next(pieces, None), piece=True)) is not None:
        yield piece
        await check_key(request, "audit")
