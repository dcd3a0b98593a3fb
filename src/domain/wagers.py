"""Bets and wins in one currency, of real and bonus money: what balances, rounds and activity are made of."""

from decimal import Decimal
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from domain.events import (
    BetPlaced,
    BetRolledBack,
    RolledBack,
    RoundEvent,
    SplitBet,
    SplitWin,
    WinPaid,
)
from domain.money import EXACT, ZERO
from domain.split import parts
from domain.sums import add_sums


class TakenBack(Struct, frozen=True, gc=False):
    """What rollbacks took back, and in how many of them. Exact and unbounded."""

    bet_real: Decimal = ZERO
    bet_bonus: Decimal = ZERO
    win_real: Decimal = ZERO
    win_bonus: Decimal = ZERO
    bets: int = 0
    wins: int = 0

    def __add__(self, other: Self) -> Self:
        """Add what was taken back here and there."""
        if other is NOTHING:
            return self
        return other if self is NOTHING else add_sums(self, other)


NOTHING = TakenBack()
"""Nearly always nothing is taken back: then this one is shared, and adding it costs nothing."""


class Wagers(Struct, gc=False):
    """What was bet and won, net of what was `rolled_back`. Exact and unbounded.

    That comes first of the members, so that the others are one piece, whatever sums they belong to.
    """

    rolled_back: TakenBack = NOTHING
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
        """Add a bet or a win, or take one back, of the same currency."""
        kind = type(event)
        if kind is BetPlaced:
            if event.is_bonus:
                self.bet_bonus = EXACT.add(self.bet_bonus, event.amount)
            else:
                self.bet_real = EXACT.add(self.bet_real, event.amount)
        elif kind is WinPaid:
            if event.is_bonus:
                self.win_bonus = EXACT.add(self.win_bonus, event.amount)
            else:
                self.win_real = EXACT.add(self.win_real, event.amount)
        elif isinstance(event, RolledBack):
            self._take_back(event)
        else:
            for part in parts(event):
                self.add(part)

    def _take_back(self, event: RolledBack) -> None:
        side = "bet" if isinstance(event, BetRolledBack) else "win"
        changed: dict[str, Any] = {f"{side}s": getattr(self.rolled_back, f"{side}s") + 1}
        for part in parts(event):
            sums = f"{side}_{'bonus' if part.is_bonus else 'real'}"
            setattr(self, sums, EXACT.subtract(getattr(self, sums), part.amount))
            changed[sums] = EXACT.add(getattr(self.rolled_back, sums), part.amount)
        self.rolled_back = replace(self.rolled_back, **changed)


class CountedWagers(Wagers, gc=False):
    """What was bet and won, and in how many bets and wins: of those that were sent, none is taken off."""

    bets: int = 0
    wins: int = 0

    def count(self, event: RoundEvent) -> None:
        """Add a bet, a win or a rollback, of the same currency, and count it."""
        kind = type(event)
        if kind is BetPlaced or kind is SplitBet:
            self.bets += 1
        elif kind is WinPaid or kind is SplitWin:
            self.wins += 1
        self.add(event)
