"""Games: the catalogue from partial updates, and when each game was seen."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, defstruct
from msgspec.structs import asdict

from domain.events import GameUpdated, RoundEnded
from domain.ids import Id
from domain.instant import as_datetime
from domain.money import plain
from domain.profile import GAME_FIELDS, Profile, Sighting, Stamp
from postgres.connections import Connection
from postgres.rows import fetch_pairs
from postgres.statements import Statement, Statements
from projections.entries import Scope, Stretch
from projections.models.profiles import (
    Folded,
    SetBy,
    decode_stamps,
    encode_stamps,
    fold_case,
    fold_named,
    fold_profiles,
    set_by,
)
from projections.reading import (
    PAGE_BYTES,
    Amount,
    Rows,
    Snapshot,
    measured_rows,
    select_pairs,
)
from projections.upserts import array, columns, upsert

VERSION = 2
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["games"]


class Sql(Statements):
    """Writing the catalogue, and reading it."""

    see_games: Statement
    game_profiles: Statement
    update_games: Statement
    find_games: Statement
    get_game: Statement
    facets: Statement


SQL = Sql(__file__)
_Values = defstruct("_Values", GAME_FIELDS)
_SEEN = ("game_id", "first_seen", "last_seen")
_UPDATED = (*_SEEN, *GAME_FIELDS, "name_folded", "stamps")
_LISTS = ("categories", "features", "themes")
_NUMBERS = ("theoretical_rtp", "volatility")


def fold(stretch: Stretch) -> Folded[GameUpdated]:
    """Fold what a stretch of the log says of games."""
    updates = [event for event in stretch.others.events if isinstance(event, GameUpdated)]
    ended = [event for event in stretch.others.events if isinstance(event, RoundEnded)]
    return fold_named([*updates, *ended, *stretch.played.events], updates, _SEEN)


def write(connection: Connection, scope: Scope, folded: Folded[GameUpdated]) -> None:
    """Bring the catalogue up to date: games that were only seen, and those whose entry changes."""
    upsert(connection, SQL.see_games, scope, folded.only_seen)
    if folded.updates:
        _update_profiles(connection, scope, folded)


def _update_profiles(connection: Connection, scope: Scope, folded: Folded[GameUpdated]) -> None:
    parameters = {**scope._asdict(), "game_ids": list(folded.updates)}
    key = ("game_id", "stamps")
    known = fetch_pairs(connection, SQL.game_profiles, parameters, key, _Values)
    rows = []
    for game_id, profile in fold_profiles(folded.updates, known, GAME_FIELDS).items():
        name = profile.values["name"]
        folded_name = None if name is None else fold_case(name)
        values = profile.values | {field: array(profile.values[field] or []) for field in _LISTS}
        stamps = encode_stamps(profile.stamps)
        rows.append((game_id, *folded.seen[game_id], *values.values(), folded_name, stamps))
    upsert(connection, SQL.update_games, scope, columns(rows, _UPDATED))


HasFreespins = Literal["yes", "no", "unknown"]


class GameFilters(Struct, frozen=True):
    """Which games. `undefined` and `unknown` match what is not known; `q` is a part of the name."""

    provider: str | None = None
    category: str | None = None
    feature: str | None = None
    theme: str | None = None
    device: str | None = None
    has_freespins: HasFreespins | None = None
    q: str | None = None


class GameView(Struct, frozen=True):
    """A game in the catalogue; first_seen and last_seen span all events that name the game.

    `theoretical_rtp` is what it returns of a bet in the long run, `volatility` the standard deviation of what
    a bet of 1 wins, as far as updates told.
    """

    game_id: str
    name: str | None
    provider: str | None
    categories: list[str]
    features: list[str]
    themes: list[str]
    device: str
    has_freespins: HasFreespins
    first_seen: datetime
    last_seen: datetime
    theoretical_rtp: Amount | None = None
    volatility: Amount | None = None


class GameProfile(GameView, frozen=True, kw_only=True):
    """A game, and for each field that an update set which one it was, a cleared one included."""

    set_by: dict[str, SetBy]


class FacetValue(Struct, frozen=True):
    """A value, and how many of the chosen games have it."""

    value: str
    count: int


class Facets(Struct, frozen=True):
    """The values of the chosen games, the most frequent first, then by code points."""

    provider: list[FacetValue]
    category: list[FacetValue]
    feature: list[FacetValue]
    theme: list[FacetValue]
    device: list[FacetValue]
    has_freespins: list[FacetValue]


GamePlace = tuple[Id]
"""The id: the order of games."""


def find_games(
    seen: Snapshot, filters: GameFilters, after: GamePlace | None, limit: int
) -> Rows[GameView, GamePlace]:
    """List the catalogue by game_id; fewer games than `limit` where they are large."""
    found = select_pairs(
        seen,
        SQL.find_games,
        "selected",
        GameView,
        filters,
        q_folded=None if filters.q is None else fold_case(filters.q),
        after=after[0] if after else None,
        limit=limit + 1,
        page_bytes=PAGE_BYTES,
    )
    return measured_rows(found, limit, lambda view: (view.game_id,))


def game_view(game_id: str, profile: Profile, sighting: Sighting) -> GameView:
    """Show a game as folded from events."""
    known: dict[str, Any] = {field: profile.values.get(field) for field in GAME_FIELDS}
    for field in _LISTS:
        known[field] = known[field] or []
    known["device"] = "undefined" if known["device"] is None else known["device"]
    known["has_freespins"] = known["has_freespins"] or "unknown"
    for field in _NUMBERS:
        known[field] = None if known[field] is None else plain(known[field])
    return GameView(
        game_id=game_id,
        **known,
        first_seen=as_datetime(sighting.first_seen),
        last_seen=as_datetime(sighting.last_seen),
    )


def game_profile(
    connection: Connection, tenant_id: int, view: GameView, stamps: Mapping[str, Stamp]
) -> GameProfile:
    """Tell of a game too which update each field was last set by."""
    return GameProfile(**asdict(view), set_by=set_by(connection, tenant_id, stamps))


def get_game(seen: Snapshot, game_id: str) -> GameProfile | None:
    """Return one game, None for an unknown one."""
    for stamps, view in select_pairs(seen, SQL.get_game, "stamps", GameView, game_id=game_id):
        return game_profile(seen.connection, seen.scope.tenant_id, view, decode_stamps(stamps))
    return None


def count_facets(seen: Snapshot, filters: GameFilters) -> Facets:
    """Count the values of the games that match all filters. Null is no value."""
    q_folded = None if filters.q is None else fold_case(filters.q)
    values: dict[str, list[FacetValue]] = {facet: [] for facet in Facets.__struct_fields__}
    found = select_pairs(seen, SQL.facets, "facet", FacetValue, filters, q_folded=q_folded)
    for facet, value in found:
        values[facet].append(value)
    return Facets(**values)
