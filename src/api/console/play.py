"""What was played in one game on some days, and how that stands beside what the game says of itself."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Struct

from api.console.returns import Return, day_by_day, judge, plot
from api.console.revenue import CurrencyDays, Played, Revenue
from api.console.telling import GAME_LABELS
from api.console.visits import Visit
from domain.chance import Expectation

_DAY = timedelta(1)
_MOST_CURRENCIES = 1_000
_EXPECTED = ("theoretical_rtp", "volatility")


class Standing(NamedTuple):
    """What was played in one currency, and how what came back stands beside what is expected."""

    played: Played
    returned: Return


class _ByCurrency(Struct, frozen=True):
    items: list[Played]


class _ByDay(Struct, frozen=True):
    items: list[Revenue]


async def play_of(visit: Visit, game: Mapping[str, Any], days: Sequence[date]) -> dict[str, Any]:
    """Ask what was played in a game, for its page: in each currency, and in one of them by day.

    That is the one of the address, else the one that was most played in.
    """
    period = {"game_id": game["game_id"], "from": str(days[0]), "to": str(days[-1] + _DAY)}
    answer = await visit.ask("activity", **period, group_by="currency", limit=str(_MOST_CURRENCIES))
    expected, code = _expectation(game), visit.parameter("currency")
    found = sorted(answer.read(_ByCurrency).items, key=lambda each: (-each.rounds, each.currency))
    chosen = next((each.currency for each in found if code in ("", each.currency)), None)
    return {
        "period": period,
        "standings": [Standing(each, judge(each, expected)) for each in found],
        "codes": sorted({*(each.currency for each in found), code} - {""}),
        "lacking": [GAME_LABELS[name] for name in _EXPECTED if game[name] is None],
        "has_band": expected is not None and expected.volatility > 0,
        **await _by_day(visit, period, chosen, days, expected, _ratio(game["theoretical_rtp"])),
    }


async def _by_day(
    visit: Visit,
    period: Mapping[str, str],
    currency: str | None,
    days: Sequence[date],
    expected: Expectation | None,
    theoretical_rtp: Decimal | None,
) -> dict[str, Any]:
    """Ask what was played by day in one currency, from the first day on which it was."""
    if currency is None:
        return {"chosen": None}
    grouped = {"group_by": "day,currency", "limit": str(len(days))}
    answer = await visit.ask("activity", **period, currency=currency, **grouped)
    played = answer.read(_ByDay).items
    if not played:
        return {"chosen": None}
    since = [day for day in days if day >= played[0].day]
    of_currency = CurrencyDays(currency, played, since)
    game_days = [*day_by_day(of_currency.days, expected)]
    active = {each.day for each in played}
    return {
        "chosen": of_currency,
        "game_days": [day for day in game_days if day.played.day in active],
        "returns": plot(game_days, theoretical_rtp),
    }


def _expectation(game: Mapping[str, Any]) -> Expectation | None:
    """Return what the game says of itself, None where the catalogue does not have all of it."""
    theoretical_rtp, volatility = (_ratio(game[name]) for name in _EXPECTED)
    if theoretical_rtp is None or volatility is None:
        return None
    return Expectation(theoretical_rtp, volatility)


def _ratio(given: str | None) -> Decimal | None:
    return None if given is None else Decimal(given)
