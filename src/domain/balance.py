"""A player's balance in one currency: the net flows of what was sent."""

from collections.abc import Iterable
from copy import copy
from decimal import Decimal

from domain.events import Deposited, Event, RoundEvent, Withdrawn
from domain.money import EXACT, ZERO
from domain.wagers import CountedWagers


class Balance(CountedWagers, gc=False):
    """Sums and counts of what moved, in one currency. Exact, unbounded, and possibly negative in net."""

    deposited: Decimal = ZERO
    withdrawn: Decimal = ZERO
    deposited_eur: Decimal = ZERO
    deposits: int = 0
    withdrawals: int = 0

    @property
    def real(self) -> Decimal:
        """The net flow of real money: deposited - withdrawn - bet_real + win_real."""
        return EXACT.add(EXACT.subtract(self.deposited, self.withdrawn), self.net_real)

    @property
    def bonus(self) -> Decimal:
        """The net flow of bonus money: win_bonus - bet_bonus."""
        return self.net_bonus


Movement = RoundEvent | Deposited | Withdrawn
"""The events that move money."""


def fold_balance(movements: Iterable[Event], start: Balance | None = None) -> Balance:
    """Add movements of one player and currency to a balance, which stays as it was; any order."""
    total = Balance() if start is None else copy(start)
    for event in movements:
        if isinstance(event, RoundEvent):
            total.count(event)
        elif isinstance(event, Deposited):
            total.deposits += 1
            total.deposited = EXACT.add(total.deposited, event.amount)
            if event.amount_eur is not None:
                total.deposited_eur = EXACT.add(total.deposited_eur, event.amount_eur)
        elif isinstance(event, Withdrawn):
            total.withdrawals += 1
            total.withdrawn = EXACT.add(total.withdrawn, event.amount)
    return total
