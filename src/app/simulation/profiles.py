"""How players and games are described, and what changes about them."""

from datetime import date
from random import Random
from typing import Any

from app.simulation.cast import Game, Player

_PROVIDERS = (
    "Sandworks",
    "Big Time Gaming",
    "NOVOMATIC",
    "Evolution",
    "Play'n GO",
    "Žolík",
    "ReelCo",
)
_CATEGORIES = ("video-slots", "megaways", "classic-slots", "jackpot", "crash", "scratch-cards")
_FEATURES = ("freespins", "multiplier", "wilds", "buy-feature", "respins", "gamble", "cluster-pays")
_THEMES = ("desert", "egypt", "space", "fruits", "vikings", "asia", "ocean", "música")
_DEVICES = ("mobile", "desktop", "all", None)
_FREESPINS = ("yes", "yes", "no", "unknown", None)
_COUNTRIES = ("MT", "SE", "FI", "NO", "DE", "CA", "JP", "BR")
_AFFILIATES = ("aff-1", "aff-9", "streamers/42", None, None)
_TAGS = ("bronze", "silver", "gold", "diamond", "vip", "bonus hunter", "newsletter")
_USERNAMES = ("dunes", "ra", "bonanza", "buffalo", "gems", "dragons", "fortune", "joker")
_DAYS_REGISTERED = 200
_NEW = 0.2


def game_profile(game: Game, rng: Random) -> dict[str, Any]:
    """Describe a game for the first time, with what it returns to the players in the long run."""
    profile = {
        "name": game.name,
        "provider": "Evolution" if game.live else rng.choice(_PROVIDERS),
        "categories": ["table-games", "live"] if game.live else _some(_CATEGORIES, rng),
        "features": [] if game.live else _some(_FEATURES, rng),
        "themes": _some(_THEMES, rng),
        "device": rng.choice(_DEVICES),
        "has_freespins": "no" if game.live else rng.choice(_FREESPINS),
    }
    if rng.random() < 0.2:
        del profile[rng.choice(("themes", "device", "has_freespins"))]
    paytable = game.paytable
    return profile | {
        "theoretical_rtp": paytable.rtp_per_mille / 1_000,
        "volatility": round(paytable.deviation, 3),
        "risk": paytable.risk,
    }


def game_update(rng: Random) -> dict[str, Any]:
    """Change something about a game."""
    return rng.choice(
        (
            {"features": _some(_FEATURES, rng)},
            {"categories": _some(_CATEGORIES, rng), "device": rng.choice(_DEVICES)},
            {"has_freespins": rng.choice(_FREESPINS)},
            {"themes": None},
        )
    )


def player_profile(player: Player, first_day: date, now: str, rng: Random) -> dict[str, Any]:
    """Describe a player at the first visit: registered now, or long before the first day of all.

    An operator's own member comes along now and then.
    """
    registered = now
    if rng.random() > _NEW:
        days = 1 + int(rng.expovariate(1 / _DAYS_REGISTERED))
        registered = date.fromordinal(max(1, first_day.toordinal() - days)).isoformat()
    profile = {
        "username": f"{rng.choice(_USERNAMES)}{rng.randrange(10_000)}",
        "registration_date": registered,
        "country": rng.choice(_COUNTRIES),
        "currency": player.money.code,
        "gender": rng.choice(("M", "F", None)),
        "affiliate": rng.choice(_AFFILIATES),
        "operator": rng.choice(("op-1", "op-2")),
        "tags": _some(_TAGS, rng),
        "consent_email": rng.random() < 0.4,
        "is_blocked": False,
    }
    if rng.random() < 0.1:
        profile["vip_manager"] = "none yet"
    return profile


def player_update(rng: Random) -> dict[str, Any]:
    """Change something about a player."""
    return rng.choice(
        (
            {"tags": _some(_TAGS, rng)},
            {"country": rng.choice(_COUNTRIES)},
            {"affiliate": None},
            {"consent_email": rng.choice((True, False, None))},
            {"is_blocked": False, "tags": None},
        )
    )


def _some(values: tuple[str, ...], rng: Random) -> list[str]:
    return rng.sample(values, rng.randrange(1, 4))
