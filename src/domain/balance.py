"""A player's balance in one currency: the net flows of what was sent."""

from collections.abc import Iterable
from copy import copy
from decimal import Decimal

from msgspec import Struct

from domain.events import BetPlaced, Deposited, Event, RoundEvent, WinPaid, Withdrawn
from domain.money import EXACT, ZERO


class Balance(Struct, gc=False):
    """Sums and counts of what moved, in one currency. Exact, unbounded, and possibly negative in net."""

    deposited: Decimal = ZERO
    withdrawn: Decimal = ZERO
    bet_real: Decimal = ZERO
    bet_bonus: Decimal = ZERO
    win_real: Decimal = ZERO
    win_bonus: Decimal = ZERO
    deposited_eur: Decimal = ZERO
    deposits: int = 0
    withdrawals: int = 0
    bets: int = 0
    wins: int = 0

    @property
    def real(self) -> Decimal:
        """The net flow of real money: deposited - withdrawn - bet_real + win_real."""
        paid = EXACT.subtract(self.deposited, self.withdrawn)
        return EXACT.add(paid, EXACT.subtract(self.win_real, self.bet_real))

    @property
    def bonus(self) -> Decimal:
        """The net flow of bonus money: win_bonus - bet_bonus."""
        return EXACT.subtract(self.win_bonus, self.bet_bonus)


Movement = RoundEvent | Deposited | Withdrawn
"""The events that move money."""


def fold_balance(movements: Iterable[Event], start: Balance | None = None) -> Balance:
    """Add movements of one player and currency to a balance, which stays as it was; any order."""
    total = Balance() if start is None else copy(start)
    add = EXACT.add
    for event in movements:
        if isinstance(event, BetPlaced):
            total.bets += 1
            if event.is_bonus:
                total.bet_bonus = add(total.bet_bonus, event.amount)
            else:
                total.bet_real = add(total.bet_real, event.amount)
        elif isinstance(event, WinPaid):
            total.wins += 1
            if event.is_bonus:
                total.win_bonus = add(total.win_bonus, event.amount)
            else:
                total.win_real = add(total.win_real, event.amount)
        elif isinstance(event, Deposited):
            total.deposits += 1
            total.deposited = add(total.deposited, event.amount)
            if event.amount_eur is not None:
                total.deposited_eur = add(total.deposited_eur, event.amount_eur)
        elif isinstance(event, Withdrawn):
            total.withdrawals += 1
            total.withdrawn = add(total.withdrawn, event.amount)
    return total
