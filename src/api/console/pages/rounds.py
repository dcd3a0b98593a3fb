"""Rounds: bets paired with wins, as a list and each by itself."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Template

from api.console.asking import Answer, Question, Refusal, granted, in_path
from api.console.game_names import game_names
from api.console.moments import just_after
from api.console.place import Place
from api.console.round_status import STATUSES, why
from api.console.telling import Entries, tell
from api.console.visits import Visit
from domain.events import RoundEnded

PLACE = Place("Rounds", "/console/rounds", "read")

_FILTERS = ("player_id", "game_id", "round_id", "status", "mixed_currency")
_ROWS = 50
_MOST_STEPS = 500


@get("/console/rounds")
async def list_rounds(visit: NamedDependency[Visit]) -> Template:
    """List rounds, the last begun first."""
    period = {"from": visit.moment("from"), "to": visit.moment("to")}
    asked = {**visit.parameters(*_FILTERS), **period}
    page = {"cursor": visit.parameter("cursor"), "limit": str(_ROWS)}
    (found,) = await visit.ask_each(Question("rounds", {**asked, **page}))
    if isinstance(found, Refusal):
        return visit.page(
            "rounds/list.html",
            status_code=found.problem.status,
            statuses=STATUSES,
            found=None,
            problem=found.problem,
            faults=found.faults,
        )
    return visit.page(
        "rounds/list.html",
        statuses=STATUSES,
        found=found,
        faults={},
        names=await game_names(visit, (row["game_id"] for row in found.rows)),
        asked=asked,
    )


@get("/console/rounds/round")
async def show_round(visit: NamedDependency[Visit]) -> Template:
    """Show one round: what happened in it, what it sums up to, and why it has its status."""
    name = visit.parameters("player_id", "game_id", "round_id")
    if not all(name.values()):
        raise NotFoundException
    rounds, rollbacks, game = await visit.ask_each(
        Question("rounds", name),
        Question("rollbacks", {**name, "limit": 1_000}),
        Question(f"games/{in_path(name['game_id'])}"),
    )
    found = next(iter(granted(rounds).rows), None)
    if found is None:
        return visit.page("rounds/none.html", status_code=404, name=name)
    steps = _steps(found, granted(rollbacks).rows, await _end(visit, found))
    return visit.page(
        "rounds/round.html",
        round=found,
        why=why(found),
        status=STATUSES[found["status"]],
        steps=steps[:_MOST_STEPS],
        positions={
            step.what["unique_id"]: step.what["position"] for step in steps if step.kind != "end"
        },
        more=max(0, len(steps) - _MOST_STEPS),
        game=game.json["name"] if isinstance(game, Answer) else None,
    )


ROUTES = [list_rounds, show_round]


class Step(NamedTuple):
    """What happened in a round, once: a `bet`, a `win`, a `rollback` or an `end`, as the API shows it.

    `after`: how long after the round's first event.
    """

    at: str
    kind: str
    what: dict[str, Any]
    after: timedelta


def _steps(found: dict[str, Any], rollbacks: list[dict[str, Any]], end: int | None) -> list[Step]:
    """List what happened in order of time, what was at once in the order of a round's life."""
    first = _moment(found["first_at"])
    happened = [
        *(("bet", each) for each in found["bets"]),
        *(("win", each) for each in found["wins"]),
        *(("rollback", each) for each in rollbacks),
    ]
    if found["ended_at"]:
        happened.append(("end", {"timestamp": found["ended_at"], "position": end}))
    steps = [
        Step(what["timestamp"], kind, what, _moment(what["timestamp"]) - first)
        for kind, what in happened
    ]
    return sorted(steps, key=lambda step: step.after)


async def _end(visit: Visit, found: dict[str, Any]) -> int | None:
    """Find where the round's end stands in the log, for who may see that: no read model has it."""
    at = found["ended_at"]
    if not at or not visit.may("audit"):
        return None
    period = {"from": at, "to": just_after(at)}
    asked = {"player_id": found["player_id"], "event": "roundend", **period}
    entries = (await visit.ask("history", **asked)).read(Entries)
    name = found["game_id"], found["round_id"]
    for told in tell(entries.items):
        if isinstance(told.event, RoundEnded) and (told.event.game_id, told.event.round_id) == name:
            return told.entry.position
    return None


def _moment(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
