"""Currencies as players use them."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Money:
    """A currency: the digits after the point, and a stake of about 0.10 EUR in its smallest unit.

    That stake is a multiple of ten units, so that prizes in tenths of a stake are whole units.
    """

    code: str
    decimals: int
    dime: int
    rate_eur: float

    def digits(self, amount: int) -> str:
        """Write an amount of smallest units as a JSON number."""
        if amount == 0 or self.decimals == 0:
            return str(amount)
        whole, rest = divmod(amount, 10**self.decimals)
        return f"{whole}.{rest:0{self.decimals}d}"

    def euros(self, amount: int) -> str:
        """Convert an amount of smallest units, and write it as a JSON number."""
        return f"{amount / 10**self.decimals * self.rate_eur:.2f}"


POUND = Money("GBP", 2, 10, 1.15)

COMMON = (
    *(Money("EUR", 2, 10, 1.0),) * 26,
    *(Money("SEK", 2, 100, 0.087),) * 8,
    *(Money("CAD", 2, 20, 0.68),) * 6,
    *(Money("USD", 2, 10, 0.92),) * 6,
    *(Money("JPY", 0, 20, 0.0061),) * 3,
    Money("KWD", 3, 30, 3.1),
)
_COIN_DECIMALS = 8
_COIN_SHARE = 0.08


def choose_money(rng: Random, allowed: tuple[str, ...]) -> Money:
    """Choose what a player pays in, perhaps one of the currencies that only the tenant allows."""
    money, special = rng.choice(COMMON), rng.random()
    if allowed and special < _COIN_SHARE:
        code = allowed[int(special / _COIN_SHARE * len(allowed))]
        money = Money(code, _COIN_DECIMALS, 160, 60_000.0)
    return money
