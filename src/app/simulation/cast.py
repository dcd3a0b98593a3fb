"""Who plays what: made-up players and games, the same whatever else is simulated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from app.simulation.clock import ZONES
from app.simulation.items import quoted
from app.simulation.money import Money, choose_money
from app.simulation.paytable import Paytable, make_paytable

# Ids of the documentation's examples and of the sample day lie below.
_FIRST_ID = 1_000
_PLAYER_IDS = (
    "StQ-{}",
    "{}",
    "op1/{}",
    "o'neil {}",
    "P {} ünïcode",
    "a3f0c1d2-77e4-4b1a-9c55-{:012x}",
)
_GAME_IDS = ("GD{}", "btg/{}", "book of {}", "G-{:05d}", "ns:{}/main lobby")
_ZONES = tuple(ZONES)
_LIVE_ID = "live:roulette {}"
_FIRST_WORDS = ("Golden", "Book of", "Mega", "Wild", "Lucky", "Crystal", "Royal", "Midnight")
_SECOND_WORDS = ("Dunes", "Ra", "Bonanza", "Buffalo", "Gems", "Dragons", "Fortune", "Joker")

_STAKES = (1, 2, 2, 5, 5, 5, 10, 10, 20, 50)  # in tenths of a EUR or thereabouts
_ROUNDS = 40
_ONE_WHALE_IN = 66
_WHALES_STAKES = (100, 200, 500)
_WHALES_ROUNDS = 120


@dataclass(slots=True)
class Player:
    """A player with wallets, in smallest units of its money; `id_json` is the id as JSON text.

    `pounds` is a second wallet that hardly anyone uses, `rounds` how many a visit usually has. `owed` are
    stakes to be given back when the player comes again, each with what writes that.
    """

    id_json: str
    money: Money
    stake: int
    rounds: int
    described: bool
    real: int = 0
    bonus: int = 0
    pounds: int = 0
    playing: bool = False
    owed: list[tuple[int, Callable[[], str]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Game:
    """A game; live ones run rounds that all players at the table share."""

    id_json: str
    name: str
    live: bool
    zone: str
    described: bool
    paytable: Paytable


def make_player(number: int, rng: Random, allowed: tuple[str, ...]) -> Player:
    """Make up a player, who may play in one of the currencies that only the tenant allows."""
    money = choose_money(rng, allowed)
    whale = number % _ONE_WHALE_IN == _ONE_WHALE_IN // 5
    return Player(
        id_json=quoted(_PLAYER_IDS[number % len(_PLAYER_IDS)].format(_FIRST_ID + number)),
        money=money,
        stake=money.dime * rng.choice(_WHALES_STAKES if whale else _STAKES),
        rounds=_WHALES_ROUNDS if whale else _ROUNDS,
        described=rng.random() < 0.97,
    )


def make_game(number: int) -> Game:
    """Make up a game; the first of each catalogue is described, some are not."""
    rng = Random(number)  # noqa: S311  # chance, not secrets
    live = number % 7 == 3
    shape = _LIVE_ID if live else _GAME_IDS[number % len(_GAME_IDS)]
    return Game(
        id_json=quoted(shape.format(_FIRST_ID + number)),
        name=f"{rng.choice(_FIRST_WORDS)} {rng.choice(_SECOND_WORDS)} {number}",
        live=live,
        zone=_ZONES[number // 7 % len(_ZONES)],
        described=number == 0 or rng.random() < 0.92,
        paytable=make_paytable(rng, live=live),
    )
