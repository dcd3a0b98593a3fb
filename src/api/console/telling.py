"""What entries of history tell, for pages that say it in words, whatever dialect they came in."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import UNSET, Raw, Struct, UnsetType

from domain.decoding import decode
from domain.events import Event, GameUpdated, PlayerUpdated
from domain.fasttrack import SUFFIX
from domain.profile import GAME_FIELDS, PLAYER_FIELDS

EVENT_TYPES: Mapping[str, str] = {
    "gameround": "Bets and wins",
    "rollback": "Rollbacks",
    "roundend": "Ends of rounds",
    "deposit": "Deposits",
    "withdraw": "Withdrawals",
    "player": "Updates of players",
    "game": "Updates of games",
    "login": "Logins",
    "realtime-casino": "Bets, wins, rollbacks (Fast Track)",
    "realtime-payment": "Payments (Fast Track)",
    "user": "Updates of players (Fast Track)",
    "consents": "Consents (Fast Track)",
    "blocks": "Blocks (Fast Track)",
    "erased": "Erasures",
}
"""The types of events that history can be asked for, and what they are called."""

PLAYER_LABELS: Mapping[str, str] = {
    "username": "name",
    "registration_date": "registered",
    "country": "country",
    "currency": "currency",
    "gender": "gender",
    "affiliate": "affiliate",
    "operator": "operator",
    "tags": "tags",
    "consent_email": "consent to e-mail",
    "is_blocked": "blocked",
}
"""What the fields of a player's profile are called."""

GAME_LABELS: Mapping[str, str] = {
    "name": "name",
    "provider": "provider",
    "categories": "categories",
    "features": "features",
    "themes": "themes",
    "device": "device",
    "has_freespins": "free spins",
    "theoretical_rtp": "theoretical return to player",
    "volatility": "volatility",
}
"""What the fields of a game's catalogue entry are called."""


class Entry(Struct, frozen=True):
    """An entry of history as the API gives it; `data` digit for digit."""

    position: int
    stream: str
    version: int
    event: str
    type: str
    recorded_at: datetime
    data: Raw
    erased: int | UnsetType = UNSET
    dialect: Literal["fasttrack"] | UnsetType = UNSET


class Entries(Struct, frozen=True):
    """A page of history."""

    items: list[Entry]
    next_cursor: str | None


class Told(NamedTuple):
    """An entry, and the event that it tells; None where that was erased."""

    entry: Entry
    event: Event | None

    @property
    def kind(self) -> str:
        """Which event it is, as `BetPlaced`."""
        return self.entry.type

    @property
    def unique_id(self) -> str | None:
        """What it was sent as, if that is known and it was sent."""
        return getattr(self.event, "unique_id", None) or None

    @property
    def game_id(self) -> str | None:
        """The game that it is about, if it is about one."""
        return getattr(self.event, "game_id", None)

    @property
    def changes(self) -> list[tuple[str, object]]:
        """What an update sets, by its labels; None where it clears that."""
        if isinstance(self.event, PlayerUpdated):
            fields, labels = PLAYER_FIELDS, PLAYER_LABELS
        elif isinstance(self.event, GameUpdated):
            fields, labels = GAME_FIELDS, GAME_LABELS
        else:
            return []
        set_to = [(labels[field], getattr(self.event, field)) for field in fields]
        return [(label, given) for label, given in set_to if given is not UNSET]


def tell(entries: Iterable[Entry]) -> list[Told]:
    """Read what entries tell."""
    return [Told(entry, _event(entry)) for entry in entries]


def _event(entry: Entry) -> Event | None:
    if entry.erased is not UNSET:
        return None
    topic = entry.type if entry.dialect is UNSET else entry.type + SUFFIX
    return decode(topic, bytes(entry.data), entry.stream)
