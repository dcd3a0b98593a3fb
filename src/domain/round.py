"""A round of a game: bets paired with wins, by player, game and round."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct

from domain.events import BetPlaced, RoundEvent
from domain.wagers import Wagers

Status = Literal["open", "settled", "unmatched"]


class RoundSums(Wagers, gc=False):
    """What was bet and won in one currency, and the gaming days on which there was a bet or a win."""

    days: frozenset[date] = frozenset()


class Round(Struct, gc=False):
    """What is known of a round; `sums` are by currency."""

    first_at: datetime
    last_at: datetime
    bet_count: int
    win_count: int
    sums: dict[str, RoundSums]

    @property
    def status(self) -> Status:
        """`open` with bets only, `unmatched` with wins only, else `settled`."""
        if not self.win_count:
            return "open"
        return "settled" if self.bet_count else "unmatched"

    @property
    def mixed_currency(self) -> bool:
        """Whether more than one currency was played with."""
        return len(self.sums) > 1


def fold_round(
    entries: Iterable[RoundEvent],
    start: Round | None = None,
    *,
    day_of: Callable[[datetime], date] = datetime.date,
) -> Round:
    """Add bets and wins of one round, in any order, to what is known of it, which stays as it was.

    `day_of` tells the day of a moment, by default that of UTC. Raises ValueError if there are no entries and
    nothing was known.
    """
    first_at = last_at = None
    bet_count = win_count = 0
    sums: dict[str, RoundSums] = {}
    if start is not None:
        first_at, last_at = start.first_at, start.last_at
        bet_count, win_count = start.bet_count, start.win_count
        sums = {currency: copy(total) for currency, total in start.sums.items()}
    for entry in entries:
        at = entry.timestamp
        first_at = at if first_at is None or at < first_at else first_at
        last_at = at if last_at is None or at > last_at else last_at
        total = sums.get(entry.currency)
        if total is None:
            total = sums[entry.currency] = RoundSums()
        day = day_of(at)
        if day not in total.days:
            total.days = total.days.union((day,)) if total.days else _only(day)
        total.add(entry)
        if isinstance(entry, BetPlaced):
            bet_count += 1
        else:
            win_count += 1
    if first_at is None or last_at is None:
        raise ValueError("a round has at least one bet or win")
    return Round(first_at, last_at, bet_count, win_count, sums)


@lru_cache(maxsize=64)
def _only(day: date) -> frozenset[date]:
    """Return a set of one day: rounds share it, thousands at a time."""
    return frozenset((day,))


class Played(NamedTuple):
    """A gaming day on which a round was played in a currency."""

    day: date
    currency: str


def newly_played(before: Round | None, after: Round) -> Iterator[Played]:
    """Yield the days, by currency, on which a round that was `before` has its first bet or win.

    Each comes once, whatever the order of the events and however they were split: for counting rounds.
    """
    for currency, total in after.sums.items():
        known = before.sums.get(currency) if before else None
        for day in total.days - known.days if known else total.days:
            yield Played(day, currency)
