"""The items that can be sent, as types; what their members mean is in the contract of the API.

An amount is a Decimal or an int, never a float: what is sent is read digit for digit. A timestamp without a
time zone is UTC. What is not given is not sent; None is sent as null. A type of one's own, with more members,
is a subclass; what it adds is kept by the service, and comes back in the history.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder, Encoder

from roundbook_client.rules import ITEM_TYPES

Amount = Decimal | int
Timestamp = datetime | str


class Item(Struct, kw_only=True, gc=False):
    """What every item has. `event` is the name of its type."""

    event: ClassVar[str]

    unique_id: str
    timestamp: Timestamp


class _OfPlayer(Item, kw_only=True, gc=False):
    player_id: str


class _OfRound(_OfPlayer, kw_only=True, gc=False):
    game_id: str
    round_id: str


class GameRound(_OfRound, kw_only=True, gc=False):
    """A bet, or a win; of a lost round the win is 0."""

    event = "gameround"

    amount: Amount
    currency: str
    is_win: bool
    is_bonus: bool


class Rollback(_OfRound, kw_only=True, gc=False):
    """A bet or a win is taken back: that of `reference`, where it is known."""

    event = "rollback"

    amount: Amount
    currency: str
    is_win: bool
    is_bonus: bool
    reference: str | None | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET


class RoundEnd(_OfRound, kw_only=True, gc=False):
    """A round is over."""

    event = "roundend"


class Deposit(_OfPlayer, kw_only=True, gc=False):
    """A deposit that succeeded."""

    event = "deposit"

    amount: Amount
    currency: str
    method: str
    amount_eur: Amount | None | UnsetType = UNSET


class Withdraw(_OfPlayer, kw_only=True, gc=False):
    """A withdrawal that succeeded."""

    event = "withdraw"

    amount: Amount
    currency: str
    method: str


class Player(_OfPlayer, kw_only=True, gc=False):
    """What is known of a player: what is given replaces what was known, None clears it."""

    event = "player"

    username: str | None | UnsetType = UNSET
    registration_date: Timestamp | date | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    gender: Literal["M", "F"] | None | UnsetType = UNSET
    affiliate: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    tags: list[str] | None | UnsetType = UNSET
    consent_email: bool | None | UnsetType = UNSET
    is_blocked: bool | None | UnsetType = UNSET


class Game(Item, kw_only=True, gc=False):
    """What is known of a game: what is given replaces what was known, None clears it."""

    event = "game"

    game_id: str
    name: str | None | UnsetType = UNSET
    provider: str | None | UnsetType = UNSET
    categories: list[str] | None | UnsetType = UNSET
    features: list[str] | None | UnsetType = UNSET
    themes: list[str] | None | UnsetType = UNSET
    device: str | None | UnsetType = UNSET
    has_freespins: Literal["yes", "no", "unknown"] | None | UnsetType = UNSET
    theoretical_rtp: Amount | None | UnsetType = UNSET
    volatility: Amount | None | UnsetType = UNSET


class Login(_OfPlayer, kw_only=True, gc=False):
    """A player logged in."""

    event = "login"


Sendable = Item | Mapping[str, object] | Raw
"""What can be sent: a typed item, or `{"event": …, "data": {…}}`, as a mapping or as its JSON text."""

_encode = Encoder(decimal_format="number").encode
_PREFIXES = {name: f'{{"event":"{name}","data":'.encode() for name in ITEM_TYPES}


_one_value = Decoder(Raw).decode


def text_of(item: Sendable) -> bytes:
    """Write an item as it is sent. Raises TypeError and ValueError for what is no JSON and can't be."""
    if isinstance(item, Item):
        return b"%b%b}" % (_PREFIXES[item.event], _encode(item))
    return bytes(_one_value(item)) if isinstance(item, Raw) else _encode(item)
