"""Revenue by gaming day, as the API reports it: what a day was beside others."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from domain.money import EXACT, plain
from domain.wagers import NOTHING, TakenBack

WEEK = timedelta(7)


class Played(Struct, frozen=True, kw_only=True):
    """What was bet and won in one currency, as the API's activity and its report `revenue` tell.

    `bets` counts those that were sent; how many were taken back activity alone tells.
    """

    currency: str
    rounds: int = 0
    bets: int = 0
    rolled_back: TakenBack = NOTHING
    bet_real: Decimal = Decimal(0)
    bet_bonus: Decimal = Decimal(0)
    win_real: Decimal = Decimal(0)
    win_bonus: Decimal = Decimal(0)
    ggr_real: Decimal = Decimal(0)
    ggr_bonus: Decimal = Decimal(0)
    rtp: str | None = None

    @property
    def bet(self) -> str:
        """What was bet in real and bonus money."""
        return _sum(self.bet_real, self.bet_bonus)

    @property
    def won(self) -> str:
        """What was won in real and bonus money."""
        return _sum(self.win_real, self.win_bonus)

    @property
    def ggr(self) -> str:
        """The gross gaming revenue in real and bonus money."""
        return _sum(self.ggr_real, self.ggr_bonus)

    @property
    def rtp_percent(self) -> Decimal | None:
        """The return to player in hundredths."""
        return None if self.rtp is None else Decimal(self.rtp) * 100


class Revenue(Played, frozen=True, kw_only=True):
    """The same on one day."""

    day: date


class RevenueReport(Struct, frozen=True):
    """The part of the report that is read."""

    rows: list[Revenue]


class CurrencyDays:
    """One currency: each of some days in order, those of no activity too."""

    def __init__(self, currency: str, rows: Sequence[Revenue], days: Sequence[date]) -> None:
        """Find the rows of the currency."""
        of_day = {row.day: row for row in rows if row.currency == currency}
        self.currency = currency
        self.days = [of_day.get(day) or Revenue(day=day, currency=currency) for day in days]

    @property
    def last(self) -> Revenue:
        """The last day."""
        return self.days[-1]

    @property
    def week_before(self) -> Revenue:
        """The same day of the week before the last day."""
        return self.days[-1 - WEEK.days]

    @property
    def rounds(self) -> int:
        """How many rounds were played on all days."""
        return sum(day.rounds for day in self.days)

    def plot(self, label: str, member: str, *, bars: bool = False) -> dict[str, Any]:
        """Return a member by day as a plot: near enough to be drawn."""
        found = [getattr(day, member) for day in self.days]
        values = [None if value is None else float(value) for value in found]
        return {
            "days": [str(day.day) for day in self.days],
            "series": [{"label": label, "values": values, "bars": bars}],
            "reaches": 0,
        }


def by_currency(rows: Sequence[Revenue], days: Sequence[date]) -> list[CurrencyDays]:
    """Return the currencies that were played in, what most was played in first."""
    currencies = {row.currency for row in rows}
    found = [CurrencyDays(currency, rows, days) for currency in currencies]
    return sorted(found, key=lambda each: (-each.rounds, each.currency))


def _sum(one: Decimal, other: Decimal) -> str:
    return plain(EXACT.add(one, other))
