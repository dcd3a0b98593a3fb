"""Games: `GET /api/v1/games`, `GET /api/v1/games/{game_id}` and `GET /api/v1/facets`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from msgspec import Struct
from msgspec.structs import asdict

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS, RESOURCE_PROBLEMS
from api.http.accept import CSV
from api.http.raw_ids import decode_id
from api.querying.answers import Page, answer, answer_one, answer_page
from api.querying.parameters import Apart, PastFilters, Query
from api.querying.queries import Queries, read_request
from app.log.aggregates import game_at
from postgres.connections import Pool
from projections.models.games import (
    Facets,
    FacetValue,
    GameFilters,
    GamePlace,
    GameProfile,
    GameView,
    count_facets,
    find_games,
    game_profile,
    game_view,
    get_game,
)
from projections.models.profiles import SetBy
from projections.reading import Rows


class Games(Page[GameView], frozen=True):
    """A page of the catalogue."""


_ABOUT: dict[str, tuple[str, object]] = {
    "provider": ("Only games of this provider.", "Sandworks"),
    "category": ("Only games in this category.", "video-slots"),
    "feature": ("Only games with this feature.", Apart("freespins")),
    "theme": ("Only games with this theme.", "desert"),
    "device": ("Only games for this device; `undefined` where it is not known.", "desktop"),
    "has_freespins": ("Only games with or without free spins, or where it is `unknown`.", "no"),
    "q": ("Only games whose name contains this, literally, in any case.", "dunes"),
}


class FacetRow(Struct, frozen=True):
    """A row of the facets in CSV."""

    facet: str
    value: str
    count: int


QUERY: Query[GameFilters, GamePlace] = Query(
    "games", GameFilters, _ABOUT, place=GamePlace, row=GameView
)
FACETS: Query[GameFilters, None] = Query("facets", GameFilters, _ABOUT, row=FacetRow)
ONE: Query[PastFilters, None] = Query(
    "game",
    PastFilters,
    {
        "at_position": (
            (
                "The entry as the game's own events, its updates, told it up to this position of the log,"
                " inclusive; its head at most. `Log-Position` is then this position, and `at_least` can't"
                " be greater."
            ),
            Apart(100),
        )
    },
)

_EXAMPLE = GameView(
    game_id="GD8",
    name="Golden Dunes II",
    provider="Sandworks",
    categories=["video-slots"],
    features=[],
    themes=["desert"],
    device="desktop",
    has_freespins="no",
    first_seen=datetime(2025, 1, 15, 6, tzinfo=UTC),
    last_seen=datetime(2025, 1, 15, 10, 56, 9, tzinfo=UTC),
)
_WITH_A_SLASH = GameView(
    game_id="btg/bonanza",
    name="Bonanza",
    provider="Big Time Gaming",
    categories=["slots"],
    features=[],
    themes=[],
    device="undefined",
    has_freespins="unknown",
    first_seen=datetime(2025, 1, 15, 6, 0, 1, tzinfo=UTC),
    last_seen=datetime(2025, 1, 15, 10, 54, 16, tzinfo=UTC),
)
_NAMED = SetBy(datetime(2025, 1, 15, 6, 0, 1, tzinfo=UTC), "g-btg-1", 2)
_MOVED = SetBy(datetime(2025, 1, 15, 7, 23, 21, tzinfo=UTC), "g-btg-3", 33)
_ONE_EXAMPLE = GameProfile(
    **asdict(_WITH_A_SLASH),
    set_by={"name": _NAMED, "provider": _NAMED, "categories": _MOVED},
)
_FACETS_EXAMPLE = Facets(
    provider=[FacetValue("Sandworks", 1)],
    category=[FacetValue("video-slots", 1)],
    feature=[],
    theme=[FacetValue("desert", 1)],
    device=[FacetValue("desktop", 1)],
    has_freespins=[FacetValue("no", 1)],
)


def _rows(facets: Facets) -> list[FacetRow]:
    return [
        FacetRow(facet, each.value, each.count)
        for facet, values in asdict(facets).items()
        for each in values
    ]


@get(
    "/api/v1/games",
    tags=["query"],
    summary="List games",
    opt={"scope": "read"},
    operation_class=operation(QUERY, Games([_EXAMPLE], None)),
    responses=QUERY_PROBLEMS,
)
async def list_games(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Games]:
    """List the catalogue by game_id: all games that any event names, with what is known of them."""
    return await queries.page(request, QUERY, find_games)


@get(
    "/api/v1/games/{game_id:str}",
    tags=["query"],
    summary="Show a game",
    opt={"scope": "read"},
    operation_class=operation(ONE, _ONE_EXAMPLE),
    responses=RESOURCE_PROBLEMS,
)
async def show_game(
    request: Request[Any, Any, Any],
    queries: NamedDependency[Queries],
    game_id: Annotated[
        str,
        PathParameter(
            description="The game's id, percent-encoded once; it may hold anything, `/` too.",
            examples=[Example(value="btg/bonanza")],
        ),
    ],
) -> Response[GameProfile]:
    """Show one game of the catalogue, as it is or, with `at_position`, as it was.

    `set_by` tells which update each field has its value of; it names the fields that any update named.
    In the past a game is known by its own events alone: `first_seen` and `last_seen` are then about its
    updates, not about its rounds, and a game that none had named up to that position is not found.
    """
    asked = await read_request(request, ONE)
    name, position = decode_id(game_id), asked.filters.at_position
    if position is None:
        return answer_one(await queries.live(asked, lambda seen: get_game(seen, name)))

    def told(pool: Pool) -> GameProfile | None:
        game = game_at(pool, asked.tenant_id, name, position)
        if game is None:
            return None
        view = game_view(name, game.profile, game.sighting)
        with pool.connection() as connection:
            return game_profile(connection, asked.tenant_id, view, game.profile.stamps)

    return answer_one(await queries.at_position(asked, position, told))


@get(
    "/api/v1/facets",
    tags=["query"],
    summary="Count games by what they can be filtered by",
    opt={"scope": "read"},
    operation_class=operation(FACETS, _FACETS_EXAMPLE, rows=_rows(_FACETS_EXAMPLE)),
    responses=QUERY_PROBLEMS,
)
async def show_facets(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Facets]:
    """Count, for building filters, how many of the games that match all filters have each value.

    The most frequent value comes first, equal ones by code points. Unknown values are left out, but
    for `device`, which reads `undefined`, and `has_freespins`, which reads `unknown`.
    """
    asked = await read_request(request, FACETS)
    facets, position = await queries.live(asked, lambda seen: count_facets(seen, asked.filters))
    if asked.media_type == CSV:
        return answer_page(FACETS, asked, Rows(_rows(facets), None), position)
    return answer(facets, position, vary=True)
