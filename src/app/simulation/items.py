"""How items are written: JSON text, put together rather than encoded."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from app.simulation.clock import Clock

REAL_BET = '"is_win":false,"is_bonus":false'
REAL_WIN = '"is_win":true,"is_bonus":false'
BONUS_BET = '"is_win":false,"is_bonus":true'
BONUS_WIN = '"is_win":true,"is_bonus":true'

_SCATTER = 0x9E3779B97F4A7C15  # odd, so that serial numbers times it differ modulo 2^64
_MASK = (1 << 64) - 1


def quoted(value: Any) -> str:
    """Write JSON text with the letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Writer:
    """Writes the items of one run, whose name is part of each id that must belong to it alone."""

    def __init__(self, run: str, clock: Clock) -> None:
        self.run = run
        self.clock = clock
        self.serials: Iterator[int] = count(1)
        self.last_id = ""
        """The unique_id of the last bet, win or rollback that was written."""

    def login(self, player_id: str) -> str:
        """Write that a player logged in. Ids are given as JSON text, here and below."""
        return (
            f'{{"event":"login","data":{{"unique_id":"login {self.run} {next(self.serials)}",'
            f'"timestamp":"{self.clock.seconds()}","player_id":{player_id}}}}}'
        )

    def update(self, event: str, about_id: str, members: dict[str, Any]) -> str:
        """Write what became known about a `player` or a `game`."""
        return (
            f'{{"event":"{event}","data":{{"unique_id":"{event}:{self.run}:{next(self.serials)}",'
            f'"timestamp":"{self.clock.millis()}","{event}_id":{about_id},{quoted(members)[1:]}}}'
        )

    def payment(self, event: str, player_id: str, members: str) -> str:
        """Write a `deposit` or a `withdraw`, its members as JSON text."""
        return (
            f'{{"event":"{event}","data":{{"unique_id":"pay/{self.run}/{next(self.serials)}",'
            f'"timestamp":"{self.clock.millis()}","player_id":{player_id},{members}}}}}'
        )

    def gameround(self, at: str, ids: str, amount: str, currency: str, kind: str) -> str:
        """Write a bet or a win at a time; `ids` are those of player, game and round as JSON text."""
        return (
            f'{{"event":"gameround","data":{{"unique_id":"{self._scattered()}",'
            f'"timestamp":"{at}",{ids},"amount":{amount},"currency":"{currency}",{kind}}}}}'
        )

    def rollback(self, at: str, ids: str, members: str) -> str:
        """Write what takes a bet or a win back, its other members as JSON text."""
        return (
            f'{{"event":"rollback","data":{{"unique_id":"{self._scattered()}",'
            f'"timestamp":"{at}",{ids},{members}}}}}'
        )

    def roundend(self, at: str, ids: str) -> str:
        """Write that a round is over."""
        return (
            f'{{"event":"roundend","data":{{"unique_id":"{self._scattered()}",'
            f'"timestamp":"{at}",{ids}}}}}'
        )

    def _scattered(self) -> str:
        self.last_id = f"{self.run}-{next(self.serials) * _SCATTER & _MASK:016x}"
        return self.last_id
