"""The aggregates: a player and a game as their own streams tell them, at any version."""

from collections.abc import Iterable

from msgspec import Struct

from domain.balance import Balance, Movement, fold_balance
from domain.erasure import since_erasure
from domain.events import Event, GameUpdated, PlayerErased, PlayerUpdated
from domain.profile import Profile, Sighting, fold_profile, fold_sighting
from domain.recorded import RecordedEvent


class Player(Struct, frozen=True):
    """A player after the first `version` events of the stream `id`. `balances` are by currency."""

    id: str
    version: int
    profile: Profile
    sighting: Sighting
    balances: dict[str, Balance]


class Game(Struct, frozen=True):
    """A game's entry in the catalogue after the first `version` events of the stream `id`."""

    id: str
    version: int
    profile: Profile
    sighting: Sighting


def fold_player(player: Player | None, recorded: Iterable[RecordedEvent]) -> Player | None:
    """Bring a player forward by the events that follow in the stream; None while nothing is known.

    An erasure leaves when the player was seen, and makes the profile begin anew.
    """
    events = list(recorded)
    contents = [event.content for event in events]
    seen = [content for content in contents if not isinstance(content, PlayerErased)]
    if not events or not (player or seen):
        return player
    erased, told = since_erasure(contents)
    balances = dict(player.balances) if player else {}
    for currency, moved in _by_currency(contents).items():
        balances[currency] = fold_balance(moved, balances.get(currency))
    updates = (content for content in told if isinstance(content, PlayerUpdated))
    return Player(
        events[-1].stream,
        events[-1].version,
        fold_profile(updates, player.profile if player and not erased else None),
        fold_sighting(seen, player.sighting if player else None),
        balances,
    )


def fold_game(game: Game | None, recorded: Iterable[RecordedEvent]) -> Game | None:
    """Bring a game forward by the events that follow in the stream; None while there are none."""
    events = list(recorded)
    if not events:
        return game
    contents = [event.content for event in events]
    updates = (content for content in contents if isinstance(content, GameUpdated))
    return Game(
        events[-1].stream,
        events[-1].version,
        fold_profile(updates, game.profile if game else None),
        fold_sighting(contents, game.sighting if game else None),
    )


def _by_currency(events: Iterable[Event]) -> dict[str, list[Event]]:
    moved: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event, Movement):
            moved.setdefault(event.currency, []).append(event)
    return moved
