"""Players: finding them, and all that is known of one, now or as it was."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from api.console.asking import Answer, Question, Refusal, granted, in_path
from api.console.game_names import game_names
from api.console.past import Past
from api.console.place import Place
from api.console.profile import fields
from api.console.telling import Entries, Told, tell
from api.console.templates import address
from api.console.visits import Visit

PLACE = Place("Players", "/console/players", "read")

_PLAYER = "/console/players/player"
EVENT_TYPES = (
    ("gameround", "Bets and wins"),
    ("rollback", "Rollbacks"),
    ("roundend", "Ends of rounds"),
    ("deposit", "Deposits"),
    ("withdraw", "Withdrawals"),
    ("player", "Updates of the profile"),
    ("login", "Logins"),
    ("realtime-casino", "Bets, wins and rollbacks (Fast Track)"),
    ("realtime-payment", "Payments (Fast Track)"),
    ("user", "Updates of the profile (Fast Track)"),
    ("consents", "Consents (Fast Track)"),
    ("blocks", "Blocks (Fast Track)"),
    ("erased", "Erasures"),
)
"""The kinds of events of a player that history can be asked for, and what they are called."""

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
    player, balances, *history = await visit.ask_each(
        Question(f"players/{in_path(player_id)}", {"at_position": past.at_position}),
        Question("balances", {"player_id": player_id, **past._asdict()}),
        *([_history(visit, player_id, past)] if visit.may("audit") else []),
    )
    refused = [each for each in (player, balances, *history) if isinstance(each, Refusal)]
    if refused:
        return _refused(visit, refused, past)
    known, balances_then = granted(player).json, granted(balances).rows
    told, next_cursor = _told(history)
    return visit.page(
        "players/player.html",
        player=known,
        fields=fields(known, past),
        balances=balances_then,
        past=past,
        event_types=EVENT_TYPES,
        told=told,
        next_cursor=next_cursor,
        names=await game_names(visit, (each.game_id for each in told)),
        faults={},
    )


ROUTES = [list_players, show_player]


def _history(visit: Visit, player_id: str, past: Past) -> Question:
    """Ask what happened, of what is shown of the past no more than that."""
    filters = {
        "event": visit.parameter("event"),
        "from": visit.moment("from"),
        "to": visit.moment("to"),
    }
    until = {name: given for name, given in past.of_history.items() if given}
    page = {"order": "desc", "cursor": visit.parameter("cursor"), "limit": str(_EVENTS)}
    return Question("history", {"player_id": player_id, **filters, **until, **page})


def _told(history: list[Answer | Refusal]) -> tuple[list[Told], str | None]:
    entries = [answer.read(Entries) for answer in history if isinstance(answer, Answer)]
    return (tell(entries[0].items), entries[0].next_cursor) if entries else ([], None)


def _refused(visit: Visit, refused: list[Refusal], past: Past) -> Template:
    """Show what is wrong with a form, or that there is no such player. Raises the rest."""
    faults = {name: fault for each in refused for name, fault in each.faults.items()}
    if faults:
        context = {"faults": faults, "problem": refused[0].problem, "event_types": EVENT_TYPES}
        return visit.page("players/faults.html", status_code=422, past=past, **context)
    if refused[0].problem.name == "not-found":
        return visit.page("players/none.html", status_code=404, past=past)
    raise refused[0]
