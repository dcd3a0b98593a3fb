"""The catalogue of item types: what a client can send, and the domain event that each becomes.

What reads items, judges their faults, describes them in the OpenAPI document or looks for their topics is
derived from here. An item type more is an event in `domain.events` and an entry here.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, Literal, NamedTuple, get_args

from msgspec.structs import fields

from domain.events import (
    TOPICS,
    BetPlaced,
    BetRolledBack,
    Deposited,
    Event,
    GameUpdated,
    LoggedIn,
    PlayerErased,
    PlayerUpdated,
    RoundEnded,
    WinPaid,
    WinRolledBack,
    Withdrawn,
)
from domain.fasttrack import PAYLOADS, PERSONAL_PAYLOADS, Payload
from domain.streams import GAME, PLAYER

WireType = Literal[
    "gameround", "rollback", "roundend", "deposit", "withdraw", "player", "game", "login"
]
"""The `event` that clients send."""

SentType = Literal[WireType, Payload]
"""The `event` of what is recorded of clients, in whatever dialect they send it."""

EventType = Literal[SentType, "erased"]
"""The `event` of an entry of history: what clients send, and what Roundbook records itself."""

_OWN: dict[type[Event], EventType] = {PlayerErased: "erased"}


class Kind(Enum):
    """What the value of a member is (contract, §1)."""

    ID = auto()
    TIMESTAMP = auto()
    TEXT = auto()
    TEXTS = auto()
    FLAG = auto()
    AMOUNT = auto()
    RATIO = auto()
    CURRENCY = auto()
    DAY_OR_TIMESTAMP = auto()


class Member(NamedTuple):
    """A member of `data`. One that is not required may be null; `choices` are the only texts allowed."""

    name: str
    kind: Kind
    required: bool = True
    choices: tuple[str, ...] = ()


class Stream(NamedTuple):
    """Which stream an item belongs to: the prefix of its name, and the member that holds the rest."""

    prefix: str
    member: str


class ItemType(NamedTuple):
    """A type of item: its members in the contract's order, and an example of `data`.

    Whoever tries an example out sends it. So all have a player, a game and a day of their own, and change
    no figures but their own.

    It becomes the one event of `events`, or where there are two, the first or the second as the flag
    named by `told_by` is false or true. What is `personal` can be erased, if the player asks for it.
    """

    wire_type: WireType
    members: tuple[Member, ...]
    stream: Stream
    events: tuple[type[Event], ...]
    example: Mapping[str, object]
    told_by: str | None = None
    personal: bool = False

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of its events, in their order."""
        return tuple(TOPICS[event] for event in self.events)


def _optional(kind: Kind, *names: str, choices: tuple[str, ...] = ()) -> tuple[Member, ...]:
    return tuple(Member(name, kind, required=False, choices=choices) for name in names)


_ANY = (Member("unique_id", Kind.ID), Member("timestamp", Kind.TIMESTAMP))
_PLAYER_ID, _GAME_ID = Member("player_id", Kind.ID), Member("game_id", Kind.ID)
_ROUND = (_PLAYER_ID, _GAME_ID, Member("round_id", Kind.ID))
_MONEY = (Member("amount", Kind.AMOUNT), Member("currency", Kind.CURRENCY))
_WAGER = (*_MONEY, Member("is_win", Kind.FLAG), Member("is_bonus", Kind.FLAG))
_METHOD = Member("method", Kind.ID)
_OF_PLAYER, _OF_GAME = Stream(PLAYER, "player_id"), Stream(GAME, "game_id")

_ENTRIES = (
    ItemType(
        "gameround",
        (*_ANY, *_ROUND, *_WAGER),
        _OF_PLAYER,
        (BetPlaced, WinPaid),
        {
            "unique_id": "example-bet-1",
            "timestamp": "2025-02-01T12:00:00.250Z",
            "player_id": "example-player",
            "game_id": "example/sunrise",
            "round_id": "example-round-1",
            "amount": 0.5,
            "currency": "EUR",
            "is_win": False,
            "is_bonus": False,
        },
        told_by="is_win",
    ),
    ItemType(
        "rollback",
        (
            *_ANY,
            *_ROUND,
            *_WAGER,
            *_optional(Kind.ID, "reference"),
            *_optional(Kind.TEXT, "reason"),
        ),
        _OF_PLAYER,
        (BetRolledBack, WinRolledBack),
        {
            "unique_id": "example-rollback-1",
            "timestamp": "2025-02-01T12:05:00Z",
            "player_id": "example-player",
            "game_id": "example/sunrise",
            "round_id": "example-round-1",
            "amount": 0.5,
            "currency": "EUR",
            "is_win": False,
            "is_bonus": False,
            "reference": "example-bet-1",
            "reason": "game malfunction",
        },
        told_by="is_win",
    ),
    ItemType(
        "roundend",
        (*_ANY, *_ROUND),
        _OF_PLAYER,
        (RoundEnded,),
        {
            "unique_id": "example-end-1",
            "timestamp": "2025-02-01T12:00:01Z",
            "player_id": "example-player",
            "game_id": "example/sunrise",
            "round_id": "example-round-1",
        },
    ),
    ItemType(
        "deposit",
        (*_ANY, _PLAYER_ID, *_MONEY, _METHOD, *_optional(Kind.AMOUNT, "amount_eur")),
        _OF_PLAYER,
        (Deposited,),
        {
            "unique_id": "example-deposit-1",
            "timestamp": "2025-02-01T11:58:00Z",
            "player_id": "example-player",
            "amount": 500.5,
            "amount_eur": 43.21,
            "currency": "SEK",
            "method": "Swish",
        },
    ),
    ItemType(
        "withdraw",
        (*_ANY, _PLAYER_ID, *_MONEY, _METHOD),
        _OF_PLAYER,
        (Withdrawn,),
        {
            "unique_id": "example-withdrawal-1",
            "timestamp": "2025-02-01T13:30:00Z",
            "player_id": "example-player",
            "amount": 50.25,
            "currency": "EUR",
            "method": "Bank Transfer",
        },
    ),
    ItemType(
        "player",
        (
            *_ANY,
            _PLAYER_ID,
            *_optional(Kind.TEXT, "username"),
            *_optional(Kind.DAY_OR_TIMESTAMP, "registration_date"),
            *_optional(Kind.TEXT, "country", "currency"),
            *_optional(Kind.TEXT, "gender", choices=("M", "F")),
            *_optional(Kind.TEXT, "affiliate", "operator"),
            *_optional(Kind.TEXTS, "tags"),
            *_optional(Kind.FLAG, "consent_email", "is_blocked"),
        ),
        _OF_PLAYER,
        (PlayerUpdated,),
        {
            "unique_id": "example-player-1",
            "timestamp": "2025-02-01T11:55:20Z",
            "player_id": "example-player",
            "country": "NZ",
            "tags": ["example"],
            "is_blocked": False,
        },
        personal=True,
    ),
    ItemType(
        "game",
        (
            *_ANY,
            _GAME_ID,
            *_optional(Kind.TEXT, "name", "provider"),
            *_optional(Kind.TEXTS, "categories", "features", "themes"),
            *_optional(Kind.TEXT, "device"),
            *_optional(Kind.TEXT, "has_freespins", choices=("yes", "no", "unknown")),
            *_optional(Kind.RATIO, "theoretical_rtp"),
            *_optional(Kind.AMOUNT, "volatility"),
        ),
        _OF_GAME,
        (GameUpdated,),
        {
            "unique_id": "example-game-1",
            "timestamp": "2025-02-01T06:00:01Z",
            "game_id": "example/sunrise",
            "name": "Sunrise",
            "provider": "Example Games",
            "categories": ["example-slots"],
            "has_freespins": "yes",
        },
    ),
    ItemType(
        "login",
        (*_ANY, _PLAYER_ID),
        _OF_PLAYER,
        (LoggedIn,),
        {
            "unique_id": "example-login-1",
            "timestamp": "2025-02-01T11:56:00Z",
            "player_id": "example-player",
        },
        personal=True,
    ),
)


class CatalogueError(Exception):
    """The catalogue and the domain events do not agree: a mistake in the code, found at import."""


def check(entries: Sequence[ItemType]) -> None:
    """Hold entries of the catalogue against the events that they become.

    Each topic that is sent is told by one entry, an event's members are those that are sent, required where
    they are, and the example has every required member and no other than the entry's. Raises CatalogueError.
    """
    topics = [topic for entry in entries for topic in entry.topics]
    sent = [topic for event, topic in TOPICS.items() if event not in _OWN]
    if sorted(topics) != sorted(sent):
        raise CatalogueError(f"topics of item types {topics}, of events that are sent {sent}")
    if [entry.wire_type for entry in entries] != list(get_args(WireType)):
        raise CatalogueError("the types of the catalogue are not those of WireType")
    for entry in entries:
        _check_entry(entry)


def _check_entry(entry: ItemType) -> None:
    sent = {member.name: member for member in entry.members}
    required = {name for name, member in sent.items() if member.required}
    flag = sent.get(entry.told_by or "")
    two = len(entry.events) == 2 and flag is not None and flag.kind is Kind.FLAG and flag.required
    if not (two or (len(entry.events) == 1 and entry.told_by is None)):
        raise CatalogueError(f"{entry.wire_type}: which of its events is meant?")
    if not required <= entry.example.keys() <= sent.keys():
        raise CatalogueError(f"{entry.wire_type}: the example lacks a member, or has one too many")
    if entry.stream.member not in required:
        raise CatalogueError(f"{entry.wire_type}: its stream needs {entry.stream.member}")
    told = {entry.told_by}
    for event in entry.events:
        known: dict[str, Any] = {field.name: field for field in fields(event)}
        if known.keys() != sent.keys() - told:
            raise CatalogueError(f"{entry.wire_type}: the members of {event.__name__} are others")
        if {name for name in known if known[name].required} != required - told:
            raise CatalogueError(f"{entry.wire_type}: {event.__name__} requires other members")


check(_ENTRIES)

ITEM_TYPES: dict[str, ItemType] = {entry.wire_type: entry for entry in _ENTRIES}
"""The entries, by what clients send as `event`."""

OWN_TYPES: dict[str, WireType] = {
    topic: entry.wire_type for entry in _ENTRIES for topic in entry.topics
}
"""The `event` of our own items, for each topic that they become."""

WIRE_TYPES: dict[str, SentType] = {**OWN_TYPES, **PAYLOADS}
"""The `event` that clients send, for each topic that they can send, in whatever dialect."""

EVENT_TYPES: dict[str, EventType] = {
    **WIRE_TYPES,
    **{TOPICS[event]: event_type for event, event_type in _OWN.items()},
}
"""The `event` of history, for each topic."""

PERSONAL_TOPICS = PERSONAL_PAYLOADS | {
    topic for entry in _ENTRIES if entry.personal for topic in entry.topics
}
"""The topics of events that can be erased."""
