"""Return to player and chance: how far a game's return is from what it says of itself."""

from decimal import Context, Decimal
from typing import NamedTuple

from domain.money import ZERO

FLAGGED_BEYOND = 3
"""How many standard errors a return may be from the theoretical one before it is flagged."""

_ROUGHLY = Context(prec=28)
_WIDE = Context(prec=60)
_THOUSANDTH = Decimal("0.001")
_MILLIONTH = Decimal("0.000001")


class Band(NamedTuple):
    """The returns that are not flagged, as ratios. None is below 0."""

    low: Decimal
    high: Decimal


class Expectation(NamedTuple):
    """What a game returns in the long run, and the standard deviation of what a bet of 1 wins.

    A standard error of so many bets is the volatility by the root of their number: as if all were equal.
    """

    theoretical_rtp: Decimal
    volatility: Decimal

    def deviation(self, bet: Decimal, won: Decimal, bets: int) -> Decimal | None:
        """Return how many standard errors the return of so many bets is from the theoretical one.

        To three places. None where nothing was bet, or nothing is left to chance.
        """
        error = self._error(bets)
        if error is None or bet <= ZERO:
            return None
        apart = _ROUGHLY.subtract(_ROUGHLY.divide(won, bet), self.theoretical_rtp)
        return _ROUGHLY.divide(apart, error).quantize(_THOUSANDTH, context=_WIDE)

    def band(self, bets: int) -> Band | None:
        """Return which returns of so many bets are not flagged. None as of `deviation`."""
        error = self._error(bets)
        if error is None:
            return None
        reach = _ROUGHLY.multiply(error, FLAGGED_BEYOND)
        low = _ROUGHLY.subtract(self.theoretical_rtp, reach)
        high = _ROUGHLY.add(self.theoretical_rtp, reach)
        edges = (edge.quantize(_MILLIONTH, context=_WIDE) for edge in (max(low, ZERO), high))
        return Band(*edges)

    def _error(self, bets: int) -> Decimal | None:
        if bets <= 0 or not self.volatility:
            return None
        return _ROUGHLY.divide(self.volatility, _ROUGHLY.sqrt(Decimal(bets)))
