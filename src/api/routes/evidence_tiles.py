"""The tree of a log in tiles: `GET /api/v1/evidence/tile/…` (C2SP tlog-tiles)."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter

from api.documentation.evidence import evidence_operation
from api.documentation.problems import EVIDENCE_PROBLEMS
from api.http.accept import BYTES
from api.http.raw_ids import decode_id
from api.querying.evidence import UNCHANGING, answer_as, asked_as, sealed
from api.querying.parameters import Fault, NoFilters, Query, invalid_parameters
from api.querying.queries import Queries
from app.evidence.proving import read_tile
from domain.evidence.tiles import TilePathError, parse_tile

QUERY: Query[NoFilters, None] = Query("tile", NoFilters, {}, waits=False)


@get(
    "/api/v1/evidence/tile/{tile:str}",
    tags=["evidence"],
    summary="Read a tile of the log's tree",
    opt={"scope": "audit"},
    operation_class=evidence_operation(QUERY, {BYTES: None}),
    responses=EVIDENCE_PROBLEMS,
)
async def show_tile(
    request: Request[Any, Any, Any],
    queries: NamedDependency[Queries],
    tile: Annotated[
        str,
        PathParameter(
            description="`<L>/<N>` for hashes of level L, `entries/<N>` for the leaves under those of level"
            " 0, and `.p/<W>` after that where it is partial. N is written in groups of three digits, with x"
            " before all but the last: 1234067 is x001/x234/067.",
            examples=[Example(value="0/000.p/1"), Example(value="entries/000.p/1")],
        ),
    ],
) -> Response[bytes]:
    """Read 256 hashes of a level of the tree, or so many leaves, fewer in a partial tile (C2SP tlog-tiles).

    From the tiles anybody can compute the root of each checkpoint, and any proof. A hash has 32 bytes; an
    entry is a length of two bytes, 0x0045, and a leaf of 69. Leaves hold no personal data. A partial tile
    is there in every width that is sealed. None ever changes.
    """
    asked, _ = asked_as(request, QUERY, [BYTES])
    try:
        named = parse_tile(decode_id(tile))
    except TilePathError as error:
        raise invalid_parameters([Fault("tile", "malformed", str(error))]) from None
    content = await sealed(queries, lambda pool: read_tile(pool, asked.tenant_id, named))
    return answer_as(content, BYTES, UNCHANGING)
