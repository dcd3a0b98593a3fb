"""What was played in one currency: counts and sums of bets and wins, and what they come to."""

from collections.abc import Iterable
from decimal import Decimal

from domain.events import RoundEvent
from domain.money import EXACT
from domain.wagers import CountedWagers

RTP_DIGITS = 6
"""How many decimal places a return to player is rounded to, half to even."""


class Activity(CountedWagers, gc=False):
    """Counts and exact sums of bets and wins, net of rollbacks. Rounds count themselves as `rounds`."""

    rounds: int = 0

    @property
    def ggr_real(self) -> Decimal:
        """Gross gaming revenue in real money: bets minus wins."""
        return EXACT.subtract(self.bet_real, self.win_real)

    @property
    def ggr_bonus(self) -> Decimal:
        """Gross gaming revenue in bonus money: bets minus wins."""
        return EXACT.subtract(self.bet_bonus, self.win_bonus)

    @property
    def rtp(self) -> Decimal | None:
        """The return to player: wins by bets, real and bonus money together; None where nothing was bet."""
        bet = EXACT.add(self.bet_real, self.bet_bonus)
        if not bet:
            return None
        won = EXACT.add(self.win_real, self.win_bonus)
        # Of integers: Fraction would find their common divisor each time.
        (bets, of_bets), (wins, of_wins) = bet.as_integer_ratio(), won.as_integer_ratio()
        share = _rounded(wins * of_bets * 10**RTP_DIGITS, bets * of_wins)
        return Decimal(share).scaleb(-RTP_DIGITS, EXACT)


def _rounded(dividend: int, divisor: int) -> int:
    """Divide, rounded half to even."""
    if divisor < 0:
        dividend, divisor = -dividend, -divisor
    whole, rest = divmod(dividend, divisor)
    more = 2 * rest - divisor
    return whole + (more > 0 or (more == 0 and whole % 2 == 1))


def fold_activity(played: Iterable[RoundEvent]) -> Activity:
    """Add up bets, wins and rollbacks of one currency, in any order."""
    total = Activity()
    for event in played:
        total.count(event)
    return total
