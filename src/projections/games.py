"""Games: the catalogue from partial updates, and when each game was seen."""

from collections.abc import Sequence

from domain.events import GameUpdated, RoundEvent
from domain.profile import GAME_FIELDS, Profile, fold_profile, fold_sighting
from projections.entries import Entry, Scope, columns, group_by
from projections.stamps import decode_stamps, encode_stamps
from projections.statements import Connection, statements

SQL = statements(__file__)
_SEEN = ("game_id", "first_seen", "last_seen")


def project(connection: Connection, scope: Scope, entries: Sequence[Entry]) -> None:
    """Bring the catalogue up to date with a stretch of the log."""
    events = [entry.event for entry in entries if isinstance(entry.event, GameUpdated | RoundEvent)]
    named = group_by(events, lambda event: event.game_id)
    if not named:
        return
    rows = []
    for game_id, seen in named.items():
        sighting = fold_sighting(seen)
        rows.append((game_id, sighting.first_seen, sighting.last_seen))
    connection.execute(SQL.see_games.sql, scope._asdict() | columns(rows, _SEEN))
    updates = [event for event in events if isinstance(event, GameUpdated)]
    if updates:
        _update_profiles(connection, scope, group_by(updates, lambda update: update.game_id))


def fold_case(name: str) -> str:
    """Fold a name, or a part of one, for searching without regard to case (Unicode, section 3.13)."""
    return name.casefold()


def _update_profiles(
    connection: Connection, scope: Scope, updates: dict[str, list[GameUpdated]]
) -> None:
    known = connection.execute(
        SQL.game_profiles.sql, {**scope._asdict(), "game_ids": list(updates)}
    ).fetchall()
    rows = []
    for game_id, stamps, *values in known:
        start = Profile(dict(zip(GAME_FIELDS, values, strict=True)), decode_stamps(stamps))
        profile = fold_profile(updates[game_id], start)
        name = profile.values["name"]
        rows.append(
            {
                **scope._asdict(),
                "game_id": game_id,
                **profile.values,
                "name_folded": None if name is None else fold_case(name),
                "stamps": encode_stamps(profile.stamps),
            }
        )
    with connection.cursor() as cursor:
        cursor.executemany(SQL.update_game.sql, rows)
