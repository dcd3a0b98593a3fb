"""What queries answer with, as types. The service may add members, which are left out, never remove one."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Raw, Struct


class RolledBackView(Struct, frozen=True):
    """What rollbacks took back, which is no longer in the sums beside it, and in how many of them."""

    bet_real: Decimal
    bet_bonus: Decimal
    win_real: Decimal
    win_bonus: Decimal
    bets: int
    wins: int


class BalanceCounts(Struct, frozen=True):
    """How many movements a balance is made of."""

    deposits: int
    withdrawals: int
    bets: int
    wins: int


class BalanceView(Struct, frozen=True):
    """The net flows of a player in one currency; they may be negative."""

    player_id: str
    currency: str
    real: Decimal
    bonus: Decimal
    deposited: Decimal
    withdrawn: Decimal
    bet_real: Decimal
    bet_bonus: Decimal
    win_real: Decimal
    win_bonus: Decimal
    deposited_eur: Decimal
    counts: BalanceCounts
    rolled_back: RolledBackView


class BalancePoint(Struct, frozen=True):
    """A balance by all events that happened at a time or before it."""

    at: datetime
    real: Decimal
    bonus: Decimal


class BalanceHistory(Struct, frozen=True):
    """The balance of a player in a currency, in order of time."""

    player_id: str
    currency: str
    points: list[BalancePoint]


class RoundSumsView(Struct, frozen=True):
    """What was bet and won in one currency, without what was rolled back; net is wins minus bets."""

    currency: str
    bet_real: Decimal
    bet_bonus: Decimal
    win_real: Decimal
    win_bonus: Decimal
    net_real: Decimal
    net_bonus: Decimal
    rolled_back: RolledBackView


class PlayedView(Struct, frozen=True):
    """A bet or a win of a round, and what took it back."""

    unique_id: str
    timestamp: datetime
    amount: Decimal
    currency: str
    is_bonus: bool
    position: int
    rolled_back_by: str | None = None
    rolled_back_at: datetime | None = None
    bonus_amount: Decimal | None = None


class RoundView(Struct, frozen=True):
    """A round. `bets` and `wins` are there where a round_id was asked for."""

    player_id: str
    game_id: str
    round_id: str
    status: Literal["open", "settled", "unmatched", "rolled_back"]
    mixed_currency: bool
    first_at: datetime
    last_at: datetime
    bet_count: int
    win_count: int
    ended_at: datetime | None
    sums: list[RoundSumsView]
    bets: list[PlayedView] | None = None
    wins: list[PlayedView] | None = None


class SetBy(Struct, frozen=True):
    """The update that a field was last set by: its time, its unique_id, and where it stands in the log."""

    timestamp: datetime
    unique_id: str
    position: int


class GameView(Struct, frozen=True):
    """A game of the catalogue."""

    game_id: str
    name: str | None
    provider: str | None
    categories: list[str]
    features: list[str]
    themes: list[str]
    device: str
    has_freespins: Literal["yes", "no", "unknown"]
    first_seen: datetime
    last_seen: datetime
    theoretical_rtp: Decimal | None = None
    volatility: Decimal | None = None


class GameProfile(GameView, frozen=True, kw_only=True):
    """A game, and for each field that an update set which one it was, a cleared one included."""

    set_by: dict[str, SetBy]


class FacetValue(Struct, frozen=True):
    """A value, and how many of the chosen games have it."""

    value: str
    count: int


class Facets(Struct, frozen=True):
    """The values of the chosen games, the most frequent first."""

    provider: list[FacetValue]
    category: list[FacetValue]
    feature: list[FacetValue]
    theme: list[FacetValue]
    device: list[FacetValue]
    has_freespins: list[FacetValue]


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


class TransactionView(Struct, frozen=True):
    """A deposit or a withdrawal."""

    unique_id: str
    position: int
    type: Literal["deposit", "withdraw"]
    player_id: str
    timestamp: datetime
    amount: Decimal
    currency: str
    method: str
    amount_eur: Decimal | None


class ActivityView(Struct, frozen=True, kw_only=True):
    """What was played. `day`, `game_id` and `currency` are None where they are not grouped by."""

    day: date | None = None
    game_id: str | None = None
    currency: str | None = None
    rounds: int
    bets: int
    wins: int
    bet_real: Decimal
    bet_bonus: Decimal
    win_real: Decimal
    win_bonus: Decimal
    ggr_real: Decimal
    ggr_bonus: Decimal
    rtp: Decimal | None
    rolled_back: RolledBackView


class RollbackView(Struct, frozen=True):
    """A rollback, and what it takes back as far as its `reference` tells."""

    unique_id: str
    position: int
    player_id: str
    game_id: str
    round_id: str
    timestamp: datetime
    amount: Decimal
    currency: str
    is_win: bool
    is_bonus: bool
    reference: str | None
    reason: str | None
    status: Literal["matched", "mismatched", "repeated", "unmatched", "unreferenced"]
    bonus_amount: Decimal | None = None


class RecordedItem(Struct, frozen=True):
    """An event as it was sent; `data` is the JSON text, `null` if it was erased."""

    event: str
    data: Raw


class ConflictView(Struct, frozen=True):
    """What was refused, and `recorded`, the event under its unique_id."""

    unique_id: str
    position: int
    received_at: datetime
    event: str
    data: Raw
    recorded: RecordedItem


class ProjectionStatus(Struct, frozen=True):
    """How far one projection is."""

    name: str
    position: int
    lag_events: int
    lag_seconds: float


class Status(Struct, frozen=True):
    """The log's id and head, and how far each projection is."""

    log_id: str
    log_position: int
    projections: list[ProjectionStatus]


class Entry(Struct):
    """An event of the log, as it was recorded.

    `event` is what was sent as, `type` the domain event, `data` the JSON text as it was sent (`null` where it
    was erased, at the position `erased`). `text` is the whole entry as the service wrote it. `log_id` is of
    which log `position` is: keep both together. `dialect` is that in which it was sent, None for the own one.
    """

    position: int
    stream: str
    version: int
    event: str
    type: str
    recorded_at: datetime
    data: Raw
    erased: int | None = None
    dialect: str | None = None
    text: str = ""
    log_id: str = ""
