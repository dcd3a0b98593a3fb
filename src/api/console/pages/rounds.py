"""Rounds: bets paired with wins, as a list and each by itself."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Template

from api.console.asking import Answer, Question, in_path
from api.console.game_names import game_names
from api.console.moments import just_after
from api.console.place import Place
from api.console.round_status import STATUSES, why
from api.console.telling import Entries, tell
from api.console.visits import Visit
from domain.events import RoundEnded

PLACE = Place("Rounds", "/console/rounds", "read")

_ROWS = 50
_MOST_STEPS = 500


@get("/console/rounds")
async def list_rounds(visit: NamedDependency[Visit]) -> Template:
    """List rounds, the last begun first."""
    filters = visit.parameters(
        "player_id", "game_id", "round_id", "status", "mixed_currency", "cursor"
    )
    period = {"from": visit.moment("from"), "to": visit.moment("to")}
    asked = {**filters, **period}
    (found,) = await visit.ask_each(Question("rounds", {**asked, "limit": _ROWS}))
    if not isinstance(found, Answer):
        status, faults = found.problem.status, found.faults
        context = {"found": None, "problem": found.problem, "faults": faults, "names": {}}
        return visit.page("rounds/list.html", status_code=status, statuses=STATUSES, **context)
    names = await game_names(visit, (row["game_id"] for row in found.rows))
    exported = {name: given for name, given in asked.items() if name != "cursor"}
    context = {"found": found, "faults": {}, "names": names, "exported": exported}
    return visit.page("rounds/list.html", statuses=STATUSES, **context)


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
    for answer in (rounds, rollbacks):
        if not isinstance(answer, Answer):
            raise answer
    (found,) = rounds.rows or [None]
    if found is None:
        return visit.page("rounds/none.html", status_code=404, name=name)
    steps = _steps(found, rollbacks.rows, await _end(visit, found))
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
    """What happened in a round, once: its kind (`bet`, `win`, `rollback`, `end`), and the rest as the API shows it."""

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
