"""A player's balance over time, as a plot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from api.console.asking import Problem, Question, Refusal
from api.console.past import Past
from api.console.visits import Visit


class OverTime(NamedTuple):
    """The balance in one currency at some times, exactly; or why it is not to be had."""

    currency: str
    points: Sequence[Mapping[str, Any]]
    problem: Problem | None

    @property
    def plotted(self) -> dict[str, Any]:
        """The points as a plot takes them."""
        series = [
            {
                "label": label,
                "values": [float(point[kind]) for point in self.points],
                "stepped": True,
            }
            for label, kind in (("Real", "real"), ("Bonus", "bonus"))
        ]
        times = [datetime.fromisoformat(point["at"]).timestamp() for point in self.points]
        return {"times": times, "series": series}


async def over_time(
    visit: Visit, player: Mapping[str, Any], currencies: Sequence[str], past: Past
) -> OverTime | None:
    """Ask how a balance went: in the currency of the address, else of the profile, else the first one.

    None where there is none, and of a position of the log: then it is not told what happened when.
    """
    if not currencies or past.at_position:
        return None
    wanted = [visit.parameter("currency"), player["currency"], currencies[0]]
    currency = next(each for each in wanted if each in currencies)
    whose = {"player_id": player["player_id"], "currency": currency}
    (found,) = await visit.ask_each(
        Question("balances/history", {**whose, "to": past.of_history["to"]})
    )
    if isinstance(found, Refusal):
        return OverTime(currency, [], found.problem)
    return OverTime(currency, found.json["points"], None)
