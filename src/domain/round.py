"""A round of a game: bets paired with wins, what was taken back of them, and its end."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct

from domain.events import BetPlaced, RoundEnded, RoundEvent, SplitBet, SplitWin, WinPaid
from domain.wagers import NOTHING, Wagers

Status = Literal["open", "settled", "unmatched", "rolled_back"]


class RoundSums(Wagers, gc=False):
    """What was bet and won in one currency, and the gaming days on which anything was, or was taken back."""

    days: frozenset[date] = frozenset()


class Round(Struct, gc=False):
    """What is known of a round; `sums` are by currency, counts of what was sent."""

    first_at: datetime
    last_at: datetime
    bet_count: int
    win_count: int
    sums: dict[str, RoundSums]
    ended_at: datetime | None = None

    @property
    def status(self) -> Status:
        """What stands of the round.

        `rolled_back` where as many bets and as many wins were taken back as there were; else `settled` with
        bets and wins, or where the round ended without a win; `open` with bets only, `unmatched` without one.
        """
        if self._is_rolled_back():
            return "rolled_back"
        if self.ended_at is not None and not self.win_count:
            return "settled"
        if not self.bet_count:
            return "unmatched"
        return "settled" if self.win_count else "open"

    @property
    def mixed_currency(self) -> bool:
        """Whether more than one currency was played with."""
        return len(self.sums) > 1

    def _is_rolled_back(self) -> bool:
        bets = wins = 0
        for total in self.sums.values():
            taken_back = total.rolled_back
            if taken_back is not NOTHING:
                bets += taken_back.bets
                wins += taken_back.wins
        return bets + wins > 0 and (bets, wins) == (self.bet_count, self.win_count)


def fold_round(
    entries: Iterable[RoundEvent],
    start: Round | None = None,
    ends: Iterable[RoundEnded] = (),
    *,
    day_of: Callable[[datetime], date] = datetime.date,
) -> Round:
    """Add bets, wins, rollbacks and `ends` of one round, in any order, to what is known of it.

    That stays as it was. `day_of` tells the day of a moment, by default that of UTC. Raises ValueError if
    there are none and nothing was known.
    """
    first_at = last_at = ended_at = None
    bet_count = win_count = 0
    sums: dict[str, RoundSums] = {}
    if start is not None:
        first_at, last_at, ended_at = start.first_at, start.last_at, start.ended_at
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
        kind = type(entry)
        if kind is BetPlaced or kind is SplitBet:
            bet_count += 1
        elif kind is WinPaid or kind is SplitWin:
            win_count += 1
    for end in ends:
        at = end.timestamp
        first_at = at if first_at is None or at < first_at else first_at
        last_at = at if last_at is None or at > last_at else last_at
        ended_at = at if ended_at is None or at < ended_at else ended_at
    if first_at is None or last_at is None:
        raise ValueError("a round has at least one event")
    return Round(first_at, last_at, bet_count, win_count, sums, ended_at)


@lru_cache(maxsize=64)
def _only(day: date) -> frozenset[date]:
    """Return a set of one day: rounds share it, thousands at a time."""
    return frozenset((day,))


class Played(NamedTuple):
    """A gaming day on which a round was played in a currency."""

    day: date
    currency: str


def newly_played(before: Round | None, after: Round) -> Iterator[Played]:
    """Yield the days, by currency, on which a round that was `before` has its first event.

    Each comes once, whatever the order of the events and however they were split: for counting rounds.
    """
    for currency, total in after.sums.items():
        known = before.sums.get(currency) if before else None
        for day in total.days - known.days if known else total.days:
            yield Played(day, currency)
