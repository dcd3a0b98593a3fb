"""The contract's shapes and orders of the read models (§4)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.model.values import Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FLOWS = ("bet_real", "bet_bonus", "win_real", "win_bonus")
CATALOGUE = (
    *("name", "provider", "categories", "features", "themes", "device", "has_freespins"),
    *("theoretical_rtp", "volatility"),
)
PROFILE = (
    "username",
    "registration_date",
    "country",
    "currency",
    "gender",
    "affiliate",
    "operator",
    "tags",
    "consent_email",
    "is_blocked",
)
FACETS = {
    "provider": "provider",
    "category": "categories",
    "feature": "features",
    "theme": "themes",
    "device": "device",
    "has_freespins": "has_freespins",
}
GROUPS = {"day": "day", "game": "game_id", "currency": "currency"}

# `received_at` and `recorded_at` are the service's own clock: no model knows them.
MEMBERS: dict[str, tuple[str, ...]] = {
    "balances": (
        *("player_id", "currency", "real", "bonus", "deposited", "withdrawn", *FLOWS),
        *("deposited_eur", "counts", "rolled_back"),
    ),
    "rounds": (
        *("player_id", "game_id", "round_id", "status", "mixed_currency", "first_at", "last_at"),
        *("bet_count", "win_count", "ended_at", "sums", "bets", "wins"),
    ),
    "games": ("game_id", *CATALOGUE, "first_seen", "last_seen"),
    "players": ("player_id", *PROFILE, "first_seen", "last_seen", "last_login", "logins"),
    "transactions": (
        *("unique_id", "position", "type", "player_id", "timestamp", "amount", "currency"),
        *("method", "amount_eur"),
    ),
    "conflicts": ("unique_id", "position", "event", "data", "recorded"),
    "facets": ("facet", "value", "count"),
    "activity": (
        *("day", "game_id", "currency", "rounds", "bets", "wins", *FLOWS),
        *("ggr_real", "ggr_bonus", "rtp", "rolled_back"),
    ),
    "rollbacks": (
        *("unique_id", "position", "player_id", "game_id", "round_id", "timestamp", "amount"),
        *("currency", "is_win", "is_bonus", "reference", "reason", "status"),
    ),
    "history": ("position", "stream", "version", "event", "type", "data"),
}

# What tells the rows of a read model apart. Conflicts have no such member: they are known by their place.
KEYS: dict[str, tuple[str, ...]] = {
    "balances": ("player_id", "currency"),
    "rounds": ("player_id", "game_id", "round_id"),
    "games": ("game_id",),
    "players": ("player_id",),
    "transactions": ("unique_id",),
    "conflicts": (),
    "facets": ("facet", "value"),
    "activity": ("day", "game_id", "currency"),
    "rollbacks": ("unique_id",),
    "history": ("position",),
}

# The order that the contract fixes; rows that are equal in it may stand in any order.
ORDERS: dict[str, Callable[[Row], Any]] = {
    "balances": lambda row: (row["player_id"], row["currency"]),
    "rounds": lambda row: EPOCH - row["first_at"],
    "games": lambda row: row["game_id"],
    "players": lambda row: row["player_id"],
    "transactions": lambda row: EPOCH - row["timestamp"],
    "rollbacks": lambda row: EPOCH - row["timestamp"],
    "conflicts": lambda _row: 0,
    "facets": lambda row: row["facet"],
    "activity": lambda row: tuple(row.get(member, "") for member in GROUPS.values()),
    "history": lambda row: row["position"],
}


def in_order(kind: str, rows: list[Row]) -> list[Row]:
    """Sort rows as the contract says, ties by their keys."""
    keys = KEYS[kind]
    rows = sorted(rows, key=lambda row: tuple(row.get(member, "") for member in keys))
    return sorted(rows, key=ORDERS[kind])
