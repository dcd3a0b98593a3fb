"""Some days about the edges of days, with all that moves money, made up from a seed."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.queries.casino import Item, bet, deposit, item

BEGIN = datetime(
    2025, 3, 28, 5, tzinfo=UTC
)  # over the night in which Copenhagen changes its clocks
PLAYERS = ("=cmd", "p/2", "<script>alert(1)</script>")
GAMES = ("slots", "=roulette", 'r&d "game"')
CURRENCIES = ("EUR", "SEK")


def catalogue() -> Iterator[Item]:
    """Games, of which one says nothing of what it returns, and one returns far too much."""
    at = BEGIN.isoformat()
    yield item(
        "game", game_id="slots", provider="Big", theoretical_rtp=0.95, volatility=5, timestamp=at
    )
    yield item(
        "game",
        game_id="=roulette",
        provider="Big",
        theoretical_rtp=0.1,
        volatility=0.2,
        timestamp=at,
    )
    yield item("game", game_id='r&d "game"', provider="+Small", timestamp=at)


def days_of_play(seed: int, number: int = 300) -> list[Item]:
    """Bets, wins, rollbacks, ends of rounds and payments, in an order of their own."""
    chance = random.Random(seed)
    made = [*catalogue()]
    for n in range(number):
        minutes = chance.randrange(4 * 24 * 60)
        # Half of them within a minute of a day's beginning, by whichever clock.
        if chance.random() < 0.5:
            minutes = (
                chance.choice((0, 1, 2, 3)) * 1_440
                - chance.choice((0, 60))
                + chance.choice((-1, 0, 1))
            )
        at = BEGIN + timedelta(minutes=minutes, microseconds=chance.choice((0, 0, 999_999)))
        made.append(_one(chance, n, at))
    chance.shuffle(made)
    return made


def _one(chance: random.Random, n: int, at: datetime) -> Item:
    whose: dict[str, Any] = {"player_id": chance.choice(PLAYERS), "timestamp": at.isoformat()}
    money: dict[str, Any] = {
        "amount": chance.choice((0, 0.1, 2.5, 10, 1e-18, 12345678901234567890)),
        "currency": chance.choice(CURRENCIES),
        "unique_id": f"seeded-{n}",
    }
    where = {"game_id": chance.choice(GAMES), "round_id": f"r{chance.randrange(40)}"}
    kinds = {"is_win": chance.random() < 0.4, "is_bonus": chance.random() < 0.3}
    kind = chance.random()
    if kind < 0.1:
        return deposit(**whose, **money)
    if kind < 0.15:
        return item("withdraw", **whose, **money, method="card")
    if kind < 0.25:
        return item("rollback", **whose, **money, **where, **kinds)
    if kind < 0.3:
        return item("roundend", **whose, **where, unique_id=f"seeded-{n}")
    return bet(**whose, **money, **where, **kinds)
