"""Players: the profile from partial updates, and when each was seen."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct, defstruct
from msgspec.structs import asdict

from domain.erasure import since_erasure
from domain.events import PlayerErased, PlayerEvent, PlayerUpdated
from domain.ids import Id
from domain.instant import as_datetime
from domain.profile import PLAYER_FIELDS, Profile, Sighting, Stamp
from postgres.connections import Connection
from postgres.rows import fetch_pairs
from postgres.statements import Statement, Statements
from projections.entries import Scope, Stretch, group_by
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
from projections.reading import PAGE_BYTES, Rows, Snapshot, measured_rows, select, select_pairs
from projections.upserts import array, columns, upsert

VERSION = 2
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["players"]


class Sql(Statements):
    """Writing profiles, and reading them."""

    forget_profiles: Statement
    see_players: Statement
    player_profiles: Statement
    update_players: Statement
    find_players: Statement
    find_named: Statement
    count_named: Statement
    get_player: Statement


SQL = Sql(__file__)
_Values = defstruct("_Values", PLAYER_FIELDS)
_SEEN = ("player_id", *Sighting.__struct_fields__)
_UPDATED = (*_SEEN, *PLAYER_FIELDS, "username_folded", "tags_cut", "stamps")
_INDEXED = 255
_LOOKED_AT_FOR_ONE = 100
"""With `q`, a filter that fewer than one in so many of these names fit is looked for by its own index."""


class FoldedPlayers(NamedTuple):
    """Whose profiles are forgotten first, as the players were erased, and then what is said of players."""

    forgotten: list[str]
    named: Folded[PlayerUpdated]


def fold(stretch: Stretch) -> FoldedPlayers:
    """Fold what a stretch of the log says of players."""
    others = [event for event in stretch.others.events if isinstance(event, PlayerEvent)]
    seen = [event for event in others if not isinstance(event, PlayerErased)]
    updates = [event for event in seen if isinstance(event, PlayerUpdated)]
    forgotten = list({event.player_id for event in others if isinstance(event, PlayerErased)})
    if forgotten:
        told = group_by(others, [event.player_id for event in others])
        updates = [
            event
            for events in told.values()
            for event in since_erasure(events)[1]
            if isinstance(event, PlayerUpdated)
        ]
    return FoldedPlayers(forgotten, fold_named([*seen, *stretch.played.events], updates, _SEEN))


def write(connection: Connection, scope: Scope, folded: FoldedPlayers) -> None:
    """Bring the players up to date: those who were only seen, and those whose profile changes."""
    forgotten, named = folded
    if forgotten:
        whose = {**scope._asdict(), "player_ids": forgotten}
        connection.execute(SQL.forget_profiles.sql, whose)
    upsert(connection, SQL.see_players, scope, named.only_seen)
    if named.updates:
        _update_profiles(connection, scope, named)


def _update_profiles(connection: Connection, scope: Scope, folded: Folded[PlayerUpdated]) -> None:
    parameters = {**scope._asdict(), "player_ids": list(folded.updates)}
    key = ("player_id", "stamps")
    known = fetch_pairs(connection, SQL.player_profiles, parameters, key, _Values)
    rows = []
    for player_id, profile in fold_profiles(folded.updates, known, PLAYER_FIELDS).items():
        tags = profile.values["tags"] or []
        values = profile.values | {"tags": array(tags)}
        name = fold_case(values["username"] or "") or None
        cut = array([tag[:_INDEXED] for tag in tags])
        stamps = encode_stamps(profile.stamps)
        rows.append((player_id, *folded.seen[player_id], *values.values(), name, cut, stamps))
    upsert(connection, SQL.update_players, scope, columns(rows, _UPDATED))


class PlayerFilters(Struct, frozen=True):
    """Which players. A field that is not known matches no filter; `q` is the beginning of the username."""

    country: str | None = None
    currency: str | None = None
    tag: str | None = None
    affiliate: str | None = None
    operator: str | None = None
    is_blocked: bool | None = None
    q: str | None = None


class PlayerView(Struct, frozen=True):
    """A player's profile; first_seen and last_seen span all events that name the player."""

    player_id: str
    username: str | None
    registration_date: datetime | None
    country: str | None
    currency: str | None
    gender: Literal["M", "F"] | None
    affiliate: str | None
    operator: str | None
    tags: list[str]
    consent_email: bool | None
    is_blocked: bool | None
    first_seen: datetime
    last_seen: datetime
    last_login: datetime | None
    logins: int


class PlayerProfile(PlayerView, frozen=True, kw_only=True):
    """A player's profile, and for each field that an update set which one it was, a cleared one included."""

    set_by: dict[str, SetBy]


PlayerPlace = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=2)]
"""The id, the order of players; behind it the folded username, cut, the order of those found by it."""


def find_players(
    seen: Snapshot, filters: PlayerFilters, after: PlayerPlace | None, limit: int
) -> Rows[PlayerView, PlayerPlace]:
    """List profiles by player_id, with `q` by username; fewer than `limit` where they are large."""
    q_folded = None if filters.q is None else fold_case(filters.q)
    after_id, after_username = (*(after or (None,)), "")[:2]
    named = {"q_folded": q_folded, "after": after_id, "after_username": after_username}
    page = {"limit": limit + 1, "page_bytes": PAGE_BYTES}

    def find(statement: Statement, **others: int) -> list[tuple[int, PlayerView]]:
        asked = {**named, **page, **others}
        return select_pairs(seen, statement, "selected", PlayerView, filters, **asked)

    if q_folded is None:
        found = find(SQL.find_players)
    else:
        look_at = _LOOKED_AT_FOR_ONE * (limit + 1)
        found = find(SQL.find_named, look_at=look_at)
        if not found or found[-1][0] <= limit:
            [count] = select(seen, SQL.count_named, int, **named, look_at=look_at)
            found = find(SQL.find_players) if count == look_at else found

    def place(view: PlayerView) -> PlayerPlace:
        named = () if q_folded is None else (fold_case(view.username or "")[:_INDEXED],)
        return (view.player_id, *named)

    return measured_rows(found, limit, place)


def player_view(player_id: str, profile: Profile, sighting: Sighting) -> PlayerView:
    """Show a player as folded from events."""
    known: dict[str, Any] = {field: profile.values.get(field) for field in PLAYER_FIELDS}
    known["tags"] = known["tags"] or []
    if known["registration_date"] is not None:
        known["registration_date"] = as_datetime(known["registration_date"])
    last_login = sighting.last_login
    return PlayerView(
        player_id=player_id,
        **known,
        first_seen=as_datetime(sighting.first_seen),
        last_seen=as_datetime(sighting.last_seen),
        last_login=None if last_login is None else as_datetime(last_login),
        logins=sighting.logins,
    )


def player_profile(
    connection: Connection, tenant_id: int, view: PlayerView, stamps: Mapping[str, Stamp]
) -> PlayerProfile:
    """Tell of a player too which update each field was last set by."""
    return PlayerProfile(**asdict(view), set_by=set_by(connection, tenant_id, stamps))


def get_player(seen: Snapshot, player_id: str) -> PlayerProfile | None:
    """Return one profile, None for an unknown player."""
    for stamps, view in select_pairs(
        seen, SQL.get_player, "stamps", PlayerView, player_id=player_id
    ):
        return player_profile(seen.connection, seen.scope.tenant_id, view, decode_stamps(stamps))
    return None
