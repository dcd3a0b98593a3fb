"""Who plays what: made-up players and games, their ids, wallets and profiles."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

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
_FIRST_WORDS = ("Golden", "Book of", "Mega", "Wild", "Lucky", "Crystal", "Royal", "Midnight")
_SECOND_WORDS = ("Dunes", "Ra", "Bonanza", "Buffalo", "Gems", "Dragons", "Fortune", "Joker")
_COUNTRIES = ("MT", "SE", "FI", "NO", "DE", "CA", "JP", "BR")
_AFFILIATES = ("aff-1", "aff-9", "streamers/42", None, None)
_TAGS = ("bronze", "silver", "gold", "diamond", "vip", "bonus hunter", "newsletter")
_PLAYER_IDS = (
    "StQ-{}",
    "{}",
    "op1/{}",
    "o'neil {}",
    "P-{} ünïcode",
    "a3f0c1d2-77e4-4b1a-9c55-{:012x}",
)
_STAKES = (1, 2, 2, 5, 5, 5, 10, 10, 20, 50, 200)  # in tenths of a EUR or thereabouts


@dataclass(frozen=True, slots=True)
class Money:
    """A currency as players use it: the digits after the point, and about 0.10 EUR in its smallest unit."""

    code: str
    decimals: int
    dime: int
    rate_eur: float

    def digits(self, amount: int) -> str:
        """Write an amount of smallest units as a JSON number."""
        if amount == 0 or self.decimals == 0:
            return str(amount)
        whole, rest = divmod(amount, 10**self.decimals)
        return f"{whole}.{rest:0{self.decimals}d}"


_EURO = Money("EUR", 2, 10, 1.0)
_MONEY = (
    *(_EURO,) * 24,
    *(Money("SEK", 2, 100, 0.087),) * 8,
    *(Money("CAD", 2, 15, 0.68),) * 6,
    *(Money("USD", 2, 11, 0.92),) * 6,
    *(Money("JPY", 0, 16, 0.0061),) * 3,
    *(Money("EUR", 8, 9_871_533, 1.0),) * 2,  # converted from a coin, digit for digit
    Money("KWD", 3, 31, 3.1),
)


@dataclass(slots=True)
class Player:
    """A player with a wallet, in smallest units of its money; `id_json` is the id as JSON text."""

    id_json: str
    money: Money
    stake: int
    real: int = 0
    described: bool = True


@dataclass(frozen=True, slots=True)
class Game:
    """A game; live ones run rounds that all players at the table share."""

    id_json: str
    name: str
    live: bool
    described: bool


def make_player(number: int, rng: Random, allowed: tuple[str, ...]) -> Player:
    """Make up a player, who may play in one of the currencies that only the tenant allows."""
    money = rng.choice(_MONEY)
    if allowed and rng.random() < 0.08:
        money = Money(rng.choice(allowed), 8, 153 + rng.randrange(40), 60_000.0)
    return Player(
        id_json=quoted(_PLAYER_IDS[number % len(_PLAYER_IDS)].format(number)),
        money=money,
        stake=money.dime * rng.choice(_STAKES),
        described=rng.random() < 0.97,
    )


def make_game(number: int, rng: Random) -> Game:
    """Make up a game; the first of each catalogue is described, some are not."""
    name = f"{rng.choice(_FIRST_WORDS)} {rng.choice(_SECOND_WORDS)}"
    live = number % 7 == 3
    shapes = ("GD{}", "btg/{}", "book of {}", "G-{:05d}", "ns:{}/main lobby")
    shape = "live:roulette {}" if live else shapes[number % len(shapes)]
    described = number == 0 or rng.random() < 0.92
    return Game(quoted(shape.format(number)), f"{name} {number}", live, described)


def game_profile(game: Game, rng: Random) -> dict[str, Any]:
    """Describe a game for the first time."""
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
    return profile


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


def player_profile(player: Player, registered: str, rng: Random) -> dict[str, Any]:
    """Describe a player at registration; an operator's own member comes along now and then."""
    profile = {
        "username": f"{rng.choice(_SECOND_WORDS).lower()}{rng.randrange(10_000)}",
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
            {"is_blocked": rng.random() < 0.3, "tags": None},
        )
    )


def quoted(value: Any) -> str:
    """Write JSON text with the letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _some(values: tuple[str, ...], rng: Random) -> list[str]:
    return rng.sample(values, rng.randrange(1, 4))
