"""Players: `GET /api/v1/players` and `GET /api/v1/players/{player_id}`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from msgspec.structs import asdict

from api.documentation.operations import operation
from api.documentation.problems import QUERY_PROBLEMS, RESOURCE_PROBLEMS
from api.http.raw_ids import decode_id
from api.querying.answers import Page, answer_one
from api.querying.parameters import Apart, PastFilters, Query
from api.querying.queries import Queries, read_request
from app.log.aggregates import player_at
from postgres.connections import Pool
from projections.models.players import (
    PlayerFilters,
    PlayerPlace,
    PlayerProfile,
    PlayerView,
    find_players,
    get_player,
    player_profile,
    player_view,
)
from projections.models.profiles import SetBy


class Players(Page[PlayerView], frozen=True):
    """A page of profiles."""


QUERY: Query[PlayerFilters, PlayerPlace] = Query(
    "players",
    PlayerFilters,
    {
        "country": ("Only players whose country is this.", "MT"),
        "currency": ("Only players whose profile names this currency.", "EUR"),
        "tag": ("Only players with this tag.", "diamond"),
        "affiliate": ("Only players that came by this affiliate.", Apart("aff-9")),
        "operator": ("Only players of this operator.", Apart("op-1")),
        "is_blocked": ("Only players that are known to be blocked, or known not to be.", True),
        "q": (
            (
                "Only players whose username begins with this, literally, in any case; by username: its first"
                " 255 characters, case-folded, and then by id."
            ),
            "Adam",
        ),
    },
    place=PlayerPlace,
    row=PlayerView,
)

ONE: Query[PastFilters, None] = Query(
    "player",
    PastFilters,
    {
        "at_position": (
            (
                "The profile as all events up to this position of the log told it, inclusive; its head at"
                " most. `Log-Position` is then this position, and `at_least` can't be greater."
            ),
            Apart(100),
        )
    },
)

_EXAMPLE = PlayerView(
    player_id="StQ-1",
    username="adam_the_first",
    registration_date=datetime(2024, 11, 1, 8, 30, tzinfo=UTC),
    country="MT",
    currency="EUR",
    gender="M",
    affiliate=None,
    operator=None,
    tags=["diamond"],
    consent_email=None,
    is_blocked=True,
    first_seen=datetime(2025, 1, 15, 6, 0, 10, tzinfo=UTC),
    last_seen=datetime(2025, 1, 15, 10, 58, 35, tzinfo=UTC),
    last_login=datetime(2025, 1, 15, 10, 17, 48, tzinfo=UTC),
    logins=5,
)
_FIRST = SetBy(datetime(2025, 1, 15, 6, 0, 10, tzinfo=UTC), "p-1-1", 5)
_RENAMED = SetBy(datetime(2025, 1, 15, 7, 6, 40, tzinfo=UTC), "p-1-2", 31)
_BLOCKED = SetBy(datetime(2025, 1, 15, 7, 23, 20, tzinfo=UTC), "p-1-3", 28)
_ONE_EXAMPLE = PlayerProfile(
    **asdict(_EXAMPLE),
    set_by={
        **dict.fromkeys(("registration_date", "country", "currency", "gender"), _FIRST),
        **dict.fromkeys(("username", "consent_email"), _RENAMED),
        **dict.fromkeys(("tags", "is_blocked"), _BLOCKED),
    },
)


@get(
    "/api/v1/players",
    tags=["query"],
    summary="List players",
    opt={"scope": "read"},
    operation_class=operation(QUERY, Players([_EXAMPLE], None)),
    responses=QUERY_PROBLEMS,
)
async def list_players(
    request: Request[Any, Any, Any], queries: NamedDependency[Queries]
) -> Response[Players]:
    """List the profiles of all players that any event names, by player_id, with `q` by username.

    A filter matches what is known: a player whose country is unknown has no country to match.
    """
    return await queries.page(request, QUERY, find_players)


@get(
    "/api/v1/players/{player_id:str}",
    tags=["query"],
    summary="Show a player",
    opt={"scope": "read"},
    operation_class=operation(ONE, _ONE_EXAMPLE),
    responses=RESOURCE_PROBLEMS,
)
async def show_player(
    request: Request[Any, Any, Any],
    queries: NamedDependency[Queries],
    player_id: Annotated[
        str,
        PathParameter(
            description="The player's id, percent-encoded once; it may hold anything, `/` too.",
            examples=[Example(value="StQ-1")],
        ),
    ],
) -> Response[PlayerProfile]:
    """Show one player's profile, as it is or, with `at_position`, as it was.

    `set_by` tells which update each field has its value of; it names the fields that any update named.
    An id that no event had named up to that position is not found.
    """
    asked = await read_request(request, ONE)
    name, position = decode_id(player_id), asked.filters.at_position
    if position is None:
        return answer_one(await queries.live(asked, lambda seen: get_player(seen, name)))

    def told(pool: Pool) -> PlayerProfile | None:
        player = player_at(pool, asked.tenant_id, name, position)
        if player is None:
            return None
        view = player_view(name, player.profile, player.sighting)
        with pool.connection() as connection:
            return player_profile(connection, asked.tenant_id, view, player.profile.stamps)

    return answer_one(await queries.at_position(asked, position, told))
