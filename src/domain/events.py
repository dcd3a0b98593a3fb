"""The domain events: what can happen, each with what is known about it.

An event is decoded from its recorded state, which is the item's `data` exactly as the client sent it;
members that an event does not name stay in the log and are ignored here. Of one that was erased there is no
state any more, but what happened, to whom and when.
"""

from decimal import Decimal
from typing import Any, Literal

from msgspec import UNSET, Raw, Struct, UnsetType, ValidationError, field
from msgspec.json import Decoder, encode
from msgspec.structs import force_setattr

from domain.instant import Instant
from domain.money import MAX_FRACTION_DIGITS, ZERO, number_value, parse_amount
from domain.streams import PLAYER

_PLAIN_EXPONENTS = range(-MAX_FRACTION_DIGITS, 1)
_COMMON_QUANTA = (Decimal("0.01"), Decimal(1), Decimal("0.1"))


def _settled(amount: Decimal) -> Decimal:
    """Bring an amount out of notations that would burden every sum with it.

    `0e-999999999999999999` is a valid amount, and so is a 1 with a million decimal places; added
    as they are, the sum has as many digits.
    """
    for quantum in _COMMON_QUANTA:
        if amount.same_quantum(quantum):
            return amount
    return amount if amount.as_tuple().exponent in _PLAIN_EXPONENTS else parse_amount(str(amount))


# Members of games that mean something since step 17. What was recorded under these names before was the
# sender's own, of any kind and value, and says nothing unless it could be what is meant now.
_LATER_NUMBERS = {"theoretical_rtp": Decimal(2), "volatility": Decimal("Infinity")}

_members = Decoder(dict[str, Raw]).decode
_text = Decoder(str).decode


def _last_members(state: bytes) -> bytes:
    """Write each member once, of a repeated one the last.

    Amounts like `0e99999999999999999999` become 0, which is what they are: no Decimal holds the exponent.
    """
    members = _members(state)
    for name in ("amount", "amount_eur", *_LATER_NUMBERS):
        text = bytes(members.get(name, b"")).decode()
        if text[:1] in {"-", "0"} and not number_value(text)[1]:
            members[name] = Raw(b"0")
        elif name in _LATER_NUMBERS and text and not _is_amount_or_null(text):
            del members[name]
    return encode(members)


def _is_amount_or_null(text: str) -> bool:
    try:
        return text == "null" or parse_amount(text) >= 0
    except ValueError:
        return False


class Event(Struct, frozen=True, gc=False):
    """What every event knows: the id its sender gave it, and when it happened.

    An event can't be part of a reference cycle, so the garbage collector need not look at thousands of them.
    """

    unique_id: str
    timestamp: Instant


class PlayerEvent(Event, frozen=True):
    """Something that happened to a player; it belongs to the player's stream."""

    player_id: str


class RoundEvent(PlayerEvent, frozen=True):
    """A movement of money within a round of a game. `amount` is exact, in units of `currency`."""

    game_id: str
    round_id: str
    amount: Decimal
    currency: str
    is_bonus: bool

    def __post_init__(self) -> None:
        force_setattr(self, "amount", _settled(self.amount))


class BetPlaced(RoundEvent, frozen=True):
    """A player staked `amount` in a round."""


class WinPaid(RoundEvent, frozen=True):
    """A round paid `amount` to a player; zero closes a lost round."""


class RolledBack(RoundEvent, frozen=True):
    """What was bet or won is taken back, at the time of the rollback: until then it counts.

    `reference` is the unique_id of the bet or the win that is meant, as far as the sender tells.
    """

    reference: str | None = None
    reason: str | None = None


class BetRolledBack(RolledBack, frozen=True):
    """A stake of `amount` was given back."""


class WinRolledBack(RolledBack, frozen=True):
    """A payment of `amount` was taken back."""


class SplitBet(BetPlaced, frozen=True):
    """A stake of which `bonus_amount` was bonus money and the rest real; `is_bonus` is false."""

    bonus_amount: Decimal = ZERO


class SplitWin(WinPaid, frozen=True):
    """A payment of which `bonus_amount` was bonus money and the rest real; `is_bonus` is false."""

    bonus_amount: Decimal = ZERO


class SplitBetRolledBack(BetRolledBack, frozen=True):
    """A stake was given back, of which `bonus_amount` was bonus money and the rest real."""

    bonus_amount: Decimal = ZERO


class SplitWinRolledBack(WinRolledBack, frozen=True):
    """A payment was taken back, of which `bonus_amount` was bonus money and the rest real."""

    bonus_amount: Decimal = ZERO


Split = SplitBet | SplitWin | SplitBetRolledBack | SplitWinRolledBack
"""What moves real and bonus money at once."""


class RoundEnded(PlayerEvent, frozen=True):
    """A round is over, whether or not it paid anything."""

    game_id: str
    round_id: str


class Deposited(PlayerEvent, frozen=True):
    """A player paid money in, and it arrived."""

    amount: Decimal
    currency: str
    method: str
    amount_eur: Decimal | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "amount", _settled(self.amount))
        if self.amount_eur is not None:
            force_setattr(self, "amount_eur", _settled(self.amount_eur))


class Withdrawn(PlayerEvent, frozen=True):
    """A player was paid money out."""

    amount: Decimal
    currency: str
    method: str

    def __post_init__(self) -> None:
        force_setattr(self, "amount", _settled(self.amount))


class LoggedIn(PlayerEvent, frozen=True):
    """A player logged in."""


class PlayerUpdated(PlayerEvent, frozen=True):
    """Parts of a player's profile as of `timestamp`: absent says nothing, null clears."""

    username: str | None | UnsetType = UNSET
    registration_date: str | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    gender: Literal["M", "F"] | None | UnsetType = UNSET
    affiliate: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    tags: list[str] | None | UnsetType = UNSET
    consent_email: bool | None | UnsetType = UNSET
    is_blocked: bool | None | UnsetType = UNSET


class ConsentsUpdated(PlayerUpdated, frozen=True):
    """What a player consents to as of `timestamp`, by channel, as far as that was told."""

    consents: dict[str, bool] = {}


class BlocksUpdated(PlayerUpdated, frozen=True):
    """Which blocks keep a player out as of `timestamp`, as far as that was told."""

    blocks: dict[str, bool] = {}


class GameUpdated(Event, frozen=True):
    """Parts of a game's catalogue entry as of `timestamp`: absent says nothing, null clears.

    `theoretical_rtp` is what the game returns of a bet in the long run, `volatility` the standard deviation
    of what a bet of 1 wins.
    """

    game_id: str
    name: str | None | UnsetType = UNSET
    provider: str | None | UnsetType = UNSET
    categories: list[str] | None | UnsetType = UNSET
    features: list[str] | None | UnsetType = UNSET
    themes: list[str] | None | UnsetType = UNSET
    device: str | None | UnsetType = UNSET
    has_freespins: Literal["yes", "no", "unknown"] | None | UnsetType = UNSET
    theoretical_rtp: Decimal | None | UnsetType = UNSET
    volatility: Decimal | None | UnsetType = UNSET

    def __post_init__(self) -> None:
        for name, most in _LATER_NUMBERS.items():
            value = getattr(self, name)
            if isinstance(value, Decimal):
                meant = value.is_finite() and 0 <= value <= most
                force_setattr(self, name, _settled(value) if meant else UNSET)


class PlayerErased(PlayerEvent, frozen=True, kw_only=True):
    """What the log held at `positions` of a player was erased, `by` whom and for which `reason`.

    Recorded by Roundbook itself, so it has no unique_id. A position, or the first and the last of several
    that follow each other, both included.
    """

    unique_id: str = ""
    timestamp: Instant = field(name="at")
    positions: list[int | tuple[int, int]]
    reason: str
    by: str


# Topics name the types in the log for ever. A class may move or be renamed; its topic may not.
TYPES: dict[str, type[Event]] = {
    "BetPlaced": BetPlaced,
    "WinPaid": WinPaid,
    "BetRolledBack": BetRolledBack,
    "WinRolledBack": WinRolledBack,
    "RoundEnded": RoundEnded,
    "Deposited": Deposited,
    "Withdrawn": Withdrawn,
    "LoggedIn": LoggedIn,
    "PlayerUpdated": PlayerUpdated,
    "GameUpdated": GameUpdated,
    "PlayerErased": PlayerErased,
}
TOPICS: dict[type[Event], str] = {event_type: topic for topic, event_type in TYPES.items()}


def _read_instant(expected: type, value: Any) -> Instant:
    if expected is not Instant:
        raise NotImplementedError(expected)
    if not isinstance(value, str):
        # msgspec makes a ValidationError of it, which sends `decode` on to its second reading.
        raise TypeError("Expected `str`")
    # What is in the log was checked before: there is no need for a strict reading of the usual forms.
    if value.endswith("Z"):
        return Instant.fromisoformat(value)
    if value[-6:-5] == value[-3:-2] == ":":
        return Instant.fromisoformat(value + "Z")
    return Instant.parse(value)


_DECODERS = {
    topic: Decoder(event_type, dec_hook=_read_instant) for topic, event_type in TYPES.items()
}


class UnknownTopicError(LookupError):
    """The log holds an event of a type that this version of the code does not know."""


def decode(topic: str, state: bytes, stream: str = "") -> Event:
    """Decode an event from its recorded state (the item's `data`, JSON in UTF-8).

    Of an event that was erased the state reads as the time at which it happened, a JSON string: it becomes
    an event without content, of its own type where that is possible, else a mere PlayerEvent. Whose it
    was is told by `stream`, and so it is with PlayerErased.

    Raises UnknownTopicError for a topic that is not in `TYPES`, and msgspec.ValidationError or
    msgspec.DecodeError for a state that does not hold such an event.
    """
    decoder = _DECODERS.get(topic)
    if decoder is None:
        raise UnknownTopicError(f"unknown topic {topic!r}")
    try:
        return decoder.decode(state)
    except ValidationError:
        if state.startswith(b'"'):
            return _without_content(topic, state, stream)
        if topic == TOPICS[PlayerErased]:
            return decoder.decode(encode({**_members(state), "player_id": _player_of(stream)}))
        # Of a repeated member the last one counts, but the decoder checks each.
        return decoder.decode(_last_members(state))


def is_bare(event: Event) -> bool:
    """Return whether nothing but the time and the player is left of an event, not even its type."""
    return type(event) is PlayerEvent


def _without_content(topic: str, state: bytes, stream: str) -> PlayerEvent:
    known = TYPES[topic]
    kind = known if known is LoggedIn or known is PlayerUpdated else PlayerEvent
    return without_content(kind, state, stream)


def without_content(kind: type[PlayerEvent], state: bytes, stream: str) -> PlayerEvent:
    """Return what is left of an event that was erased: its type, as far as that needs nothing else."""
    return kind("", Instant.fromisoformat(_text(state)), _player_of(stream))


def _player_of(stream: str) -> str:
    return stream.removeprefix(PLAYER)
