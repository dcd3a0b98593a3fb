"""Bets and wins in one currency, of real and bonus money: what balances, rounds and activity are made of."""

from decimal import Decimal

from msgspec import Struct

from domain.events import BetPlaced, RoundEvent
from domain.money import EXACT, ZERO


class Wagers(Struct, gc=False):
    """What was bet and won. Exact and unbounded."""

    bet_real: Decimal = ZERO
    bet_bonus: Decimal = ZERO
    win_real: Decimal = ZERO
    win_bonus: Decimal = ZERO

    @property
    def net_real(self) -> Decimal:
        """Wins minus bets of real money."""
        return EXACT.subtract(self.win_real, self.bet_real)

    @property
    def net_bonus(self) -> Decimal:
        """Wins minus bets of bonus money."""
        return EXACT.subtract(self.win_bonus, self.bet_bonus)

    def add(self, event: RoundEvent) -> None:
        """Add a bet or a win, of the same currency."""
        if isinstance(event, BetPlaced):
            if event.is_bonus:
                self.bet_bonus = EXACT.add(self.bet_bonus, event.amount)
            else:
                self.bet_real = EXACT.add(self.bet_real, event.amount)
        elif event.is_bonus:
            self.win_bonus = EXACT.add(self.win_bonus, event.amount)
        else:
            self.win_real = EXACT.add(self.win_real, event.amount)


class CountedWagers(Wagers, gc=False):
    """What was bet and won, and in how many bets and wins."""

    bets: int = 0
    wins: int = 0

    def count(self, event: RoundEvent) -> None:
        """Add a bet or a win, of the same currency, and count it."""
        if isinstance(event, BetPlaced):
            self.bets += 1
        else:
            self.wins += 1
        self.add(event)
