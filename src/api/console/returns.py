"""What one game returned over time, in each currency, beside what chance allows."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from api.console.revenue import Played, Revenue
from domain.chance import FLAGGED_BEYOND, Band, Expectation
from domain.money import EXACT

_TWICE = Decimal(2)


class Return(NamedTuple):
    """What came back of bets, which returns of so many of them are not flagged, and how far off it is.

    `deviation` is in standard errors. None stands for what is not known.
    """

    rtp: Decimal | None
    band: Band | None
    deviation: Decimal | None

    @property
    def is_beyond(self) -> bool:
        """Whether it is out of the band."""
        return self.deviation is not None and abs(self.deviation) > FLAGGED_BEYOND


class GameDay(NamedTuple):
    """What was played on a day, and what had come back by its end since the first day."""

    played: Revenue
    so_far: Return


def judge(played: Played, expected: Expectation | None) -> Return:
    """Judge what was played."""
    return _judge(
        EXACT.add(played.bet_real, played.bet_bonus),
        EXACT.add(played.win_real, played.win_bonus),
        played.bets - played.rolled_back.bets,
        expected,
    )


def day_by_day(days: Sequence[Revenue], expected: Expectation | None) -> Iterator[GameDay]:
    """Yield each day with all that was played up to it."""
    bet, won, bets = Decimal(0), Decimal(0), 0
    for day in days:
        bet = EXACT.add(bet, EXACT.add(day.bet_real, day.bet_bonus))
        won = EXACT.add(won, EXACT.add(day.win_real, day.win_bonus))
        bets += day.bets - day.rolled_back.bets
        yield GameDay(day, _judge(bet, won, bets, expected))


def plot(days: Sequence[GameDay], theoretical_rtp: Decimal | None) -> dict[str, Any]:
    """Return the returns so far as a plot, in percent, near enough to be drawn.

    Of few bets anything may come back: the band ends at the top of the plot, at 200 % or where the return is.
    """
    returns = [day.so_far for day in days]
    top = max([_TWICE, *(each.rtp for each in returns if each.rtp is not None)])
    series: list[dict[str, Any]] = [
        {"label": "Return since the first day", "values": [_percent(each.rtp) for each in returns]}
    ]
    if theoretical_rtp is not None:
        values = [_percent(theoretical_rtp)] * len(days)
        series.append({"label": "Theoretical return", "values": values, "dashed": True})
    found: dict[str, Any] = {"days": [str(day.played.day) for day in days], "series": series}
    if any(each.band for each in returns):
        high = [_percent(min(each.band.high, top) if each.band else None) for each in returns]
        low = [_percent(each.band.low if each.band else None) for each in returns]
        series.append({"label": "Most by chance", "values": high})
        series.append({"label": "Least by chance", "values": low})
        found["bands"] = [[len(series) - 1, len(series)]]
    return found


def _percent(ratio: Decimal | None) -> float | None:
    return None if ratio is None else float(ratio * 100)


def _judge(bet: Decimal, won: Decimal, bets: int, expected: Expectation | None) -> Return:
    rtp = won / bet if bet > 0 else None
    if expected is None:
        return Return(rtp, None, None)
    return Return(rtp, expected.band(bets), expected.deviation(bet, won, bets))
