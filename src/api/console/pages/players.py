"""Players: finding them, and all that is known of one, now or as it was."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from api.console.asking import Answer, Question, Refusal, granted, in_path
from api.console.game_names import game_names
from api.console.over_time import over_time
from api.console.past import Past
from api.console.place import Place
from api.console.profile import fields
from api.console.rendering import address
from api.console.telling import EVENT_TYPES, PLAYER_LABELS, Entries, Told, tell
from api.console.visits import Visit

PLACE = Place("Players", "/console/players", "read")

_PLAYER = "/console/players/player"
_EVENT_TYPES = [pair for pair in EVENT_TYPES.items() if pair[0] != "game"]
_ROWS = 50
_EVENTS = 25
_FILTERS = ("country", "currency", "tag", "affiliate", "operator", "is_blocked")


@get("/console/players")
async def list_players(visit: NamedDependency[Visit]) -> Response[Any] | Template:
    """List players; who looks for one and finds one only is led to it."""
    wanted, filters = visit.parameter("q"), visit.parameters(*_FILTERS)
    cursor = visit.parameter("cursor")
    asked = {"q": wanted, **filters}
    questions = [Question("players", {**asked, "cursor": cursor, "limit": _ROWS})]
    if wanted:
        questions.append(Question(f"players/{in_path(wanted)}"))
    found, *by_id = await visit.ask_each(*questions)
    if isinstance(found, Refusal):
        return visit.page(
            "players/list.html",
            status_code=found.problem.status,
            found=None,
            problem=found.problem,
            faults=found.faults,
        )
    named = [answer.json["player_id"] for answer in by_id if isinstance(answer, Answer)]
    alike = {row["player_id"] for row in found.rows} | set(named)
    if wanted and len(alike) == 1 and not any(filters.values()) and not cursor:
        return Redirect(address(_PLAYER, id=alike.pop()), status_code=303)
    return visit.page("players/list.html", found=found, faults={}, asked=asked, by_id=named)


@get(_PLAYER)
async def show_player(visit: NamedDependency[Visit]) -> Template:
    """Show what is known of a player: balances, the profile, and what happened, newest first."""
    player_id, past = visit.parameter("id"), Past.of(visit)
    happened = _happened(visit, player_id, past)
    page = {"order": "desc", "cursor": visit.parameter("cursor"), "limit": str(_EVENTS)}
    player, balances, *history = await visit.ask_each(
        Question(f"players/{in_path(player_id)}", {"at_position": past.at_position}),
        Question("balances", {"player_id": player_id, **past._asdict()}),
        *([Question("history", {**happened, **page})] if visit.may("audit") else []),
    )
    refused = [each for each in (player, balances, *history) if isinstance(each, Refusal)]
    if refused:
        return _refused(visit, refused, past)
    known, balances_then = granted(player).json, granted(balances).rows
    if past.is_before(known["first_seen"]):
        return visit.page("players/none.html", status_code=404, past=past)
    currencies = [each["currency"] for each in balances_then]
    told, next_cursor = _told(history)
    return visit.page(
        "players/player.html",
        player=known,
        fields=fields(known, PLAYER_LABELS, past),
        balances=balances_then,
        over_time=await over_time(visit, known, currencies, past),
        past=past,
        event_types=_EVENT_TYPES,
        told=told,
        happened=happened,
        next_cursor=next_cursor,
        names=await game_names(visit, (each.game_id for each in told)),
        faults={},
    )


ROUTES = [list_players, show_player]


def _happened(visit: Visit, player_id: str, past: Past) -> dict[str, str]:
    """Return what history is asked for: by the form, and of the past no more than there was then."""
    filters = {
        "event": visit.parameter("event"),
        "from": visit.moment("from"),
        "to": visit.moment("to"),
    }
    until = {name: given for name, given in past.of_history.items() if given}
    return {"player_id": player_id, **filters, **until}


def _told(history: list[Answer | Refusal]) -> tuple[list[Told], str | None]:
    entries = [answer.read(Entries) for answer in history if isinstance(answer, Answer)]
    return (tell(entries[0].items), entries[0].next_cursor) if entries else ([], None)


def _refused(visit: Visit, refused: list[Refusal], past: Past) -> Template:
    """Show what is wrong with a form, or that there is no such player. Raises the rest."""
    faulty = [each for each in refused if each.faults]
    of_no_field = next((each for each in faulty if "player_id" in each.faults), None)
    if of_no_field:
        raise of_no_field
    if faulty:
        faults = {name: fault for each in faulty for name, fault in each.faults.items()}
        context = {"faults": faults, "problem": faulty[0].problem, "event_types": _EVENT_TYPES}
        return visit.page("players/faults.html", status_code=422, past=past, **context)
    if refused[0].problem.name == "not-found":
        return visit.page("players/none.html", status_code=404, past=past)
    raise refused[0]
