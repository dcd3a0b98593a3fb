"""What a game pays, and how often: its return to player is no accident."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from random import Random
from typing import NamedTuple

ONE = 1_000_000
"""Chances are counted in millionths."""

STEP = 10
"""Prizes are counted in tenths of the stake, so a stake that is a multiple of ten is paid exactly."""


class _Kind(NamedTuple):
    """Prizes, all of them multiples of the first, and how much of all that is paid each prize has.

    `tilts` are percentages of what the prize before it has, from and to, for a game to choose from.
    """

    risk: str
    prizes: tuple[int, ...]
    tilts: tuple[int, int]


_TABLE = _Kind("low", (10, 20, 30, 90, 180, 360), (65, 85))
_SLOTS = (
    _Kind("low", (5, 10, 15, 20, 40, 100, 200), (112, 135)),
    _Kind("medium", (5, 10, 20, 50, 100, 250, 1_000), (106, 124)),
    _Kind("high", (10, 20, 50, 100, 500, 2_000, 10_000), (90, 108)),
)
_RTP_PER_MILLE = (900, 980)


@dataclass(frozen=True, slots=True)
class Paytable:
    """The prizes of a game, in tenths of the stake, each with its chance in millionths; else nothing is won.

    The chances times the prizes come to `rtp_per_mille` of the stake, exactly.
    """

    risk: str
    rtp_per_mille: int
    prizes: tuple[int, ...]
    chances: tuple[int, ...]
    limits: tuple[float, ...]

    @property
    def deviation(self) -> float:
        """The standard deviation of what a stake of 1 wins."""
        squares = sum(
            prize**2 * chance for prize, chance in zip(self.prizes, self.chances, strict=False)
        )
        return sqrt(squares / (STEP**2 * ONE) - (self.rtp_per_mille / 1_000) ** 2)

    def prize(self, stake: int, chance: float) -> int:
        """Return what a stake wins, by a chance from 0 to below 1."""
        return stake * self.prizes[bisect_right(self.limits, chance)] // STEP


def make_paytable(rng: Random, *, live: bool) -> Paytable:
    """Make up how a game pays: what returns to the players, how it is spread over the prizes."""
    kind = _TABLE if live else rng.choice(_SLOTS)
    rtp_per_mille = rng.randint(*_RTP_PER_MILLE)
    tilt = rng.randint(*kind.tilts)
    chances = _chances(kind.prizes, tilt, rtp_per_mille * STEP * ONE // 1_000)
    limits = tuple(limit / ONE for limit in accumulate(chances))
    return Paytable(kind.risk, rtp_per_mille, (*kind.prizes, 0), chances, limits)


def _chances(prizes: tuple[int, ...], tilt: int, paid: int) -> tuple[int, ...]:
    """Find chances at which just so much is paid: what rounding down leaves goes to the least prize."""
    last = len(prizes) - 1
    shares = [tilt**place * 100 ** (last - place) for place in range(len(prizes))]
    chances = [
        paid * share // (sum(shares) * prize) for share, prize in zip(shares, prizes, strict=True)
    ]
    left = paid - sum(chance * prize for chance, prize in zip(chances, prizes, strict=True))
    chances[0] += left // prizes[0]
    return tuple(chances)
