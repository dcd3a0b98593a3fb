"""Games: the catalogue by its facets, and what each game returned beside what chance allows."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from api.console.asking import Question, Refusal, granted, in_path
from api.console.facets import LABELS, chosen, facets, games_in
from api.console.game_names import game_names
from api.console.past import Past
from api.console.place import Place
from api.console.play import play_of
from api.console.profile import fields
from api.console.telling import GAME_LABELS
from api.console.visits import Visit
from domain.chance import FLAGGED_BEYOND

PLACE = Place("Games", "/console/games", "read")

SPANS = {"28": "28 days", "90": "90 days", "365": "A year"}
"""How many days a game can be looked at, and what that is called."""

_DAY = timedelta(1)
_ROWS = 50
_NOW = Past("", "")
_RECENT = timedelta(30)
_MOST_BEYOND = 10
_USUAL_SPAN = "90"
_NO_DAY = "must be a date like 2025-01-15"
_NO_SPAN = f"must be one of {', '.join(SPANS)}"


@get(PLACE.path)
async def list_games(visit: NamedDependency[Visit]) -> Template:
    """List the catalogue, by its facets. htmx is given what changes alone: the facets and the list."""
    filters = visit.parameters(*LABELS, "q")
    page = {"cursor": visit.parameter("cursor"), "limit": str(_ROWS)}
    found, counted = await visit.ask_each(
        Question("games", {**filters, **page}), Question("facets", filters)
    )
    template = "games/found.html" if visit.is_partial else "games/list.html"
    refused = next((each for each in (found, counted) if isinstance(each, Refusal)), None)
    if refused:
        return visit.page(
            template,
            status_code=refused.problem.status,
            problem=refused.problem,
            faults=refused.faults,
            chosen=chosen(visit),
            facets=[],
            found=None,
            recent=_recent(visit),
        )
    counts = granted(counted).json
    return visit.page(
        template,
        faults={},
        chosen=chosen(visit),
        facets=facets(visit, counts),
        found=granted(found),
        total=games_in(counts),
        filters=filters,
        recent=_recent(visit),
    )


@get("/console/games/beyond", opt={"part": True})
async def show_beyond(visit: NamedDependency[Visit]) -> Template:
    """Show the games of which more or less came back, in the last days, than chance allows."""
    period = _recent(visit)
    (report,) = await visit.ask_each(Question("reports/rtp", period))
    if isinstance(report, Refusal):
        return visit.page("games/beyond.html", problem=report.problem, period=period)
    rows = sorted(report.json["rows"], key=lambda row: -abs(Decimal(row["deviation"])))
    shown = rows[:_MOST_BEYOND]
    return visit.page(
        "games/beyond.html",
        problem=None,
        period=period,
        rows=shown,
        count=len(rows),
        names=await game_names(visit, (row["game_id"] for row in shown)),
    )


@get("/console/games/game")
async def show_game(visit: NamedDependency[Visit]) -> Template:
    """Show one game: what was played and came back in some days, and what the catalogue says of it."""
    (game,) = await visit.ask_each(Question(f"games/{in_path(visit.parameter('id'))}"))
    if isinstance(game, Refusal):
        if game.problem.name != "not-found":
            raise game
        return visit.page("games/none.html", status_code=HTTPStatus.NOT_FOUND)
    known = game.json
    context = {"game": known, "fields": fields(known, GAME_LABELS, _NOW), "spans": SPANS}
    last, span = _last_day(visit, known["last_seen"]), visit.parameter("days") or _USUAL_SPAN
    faults = {
        **({"day": _NO_DAY} if last is None else {}),
        **({"days": _NO_SPAN} if span not in SPANS else {}),
    }
    if last is None or faults:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return visit.page(
            "games/game.html", status_code=status, faults=faults, codes=[], span=None, **context
        )
    days = [last - _DAY * ago for ago in reversed(range(int(span)))]
    return visit.page(
        "games/game.html",
        faults={},
        span=SPANS[span],
        days=days,
        one_day=_DAY,
        **await play_of(visit, known, days),
        **context,
    )


ROUTES = [list_games, show_beyond, show_game]


def _recent(visit: Visit) -> dict[str, str]:
    """Return what the report is asked for: what is flagged of the last days, today included."""
    first = visit.days.of(datetime.now(UTC)) - _RECENT + _DAY
    return {"from": str(first), "beyond": str(FLAGGED_BEYOND)}


def _last_day(visit: Visit, last_seen: str) -> date | None:
    """Read the last day to be shown: the one on which the game was last seen, if none is asked for.

    None for what is no date, or has not enough days before and after it.
    """
    given = visit.parameter("day")
    if not given:
        seen = _with_days_around(visit.days.of(datetime.fromisoformat(last_seen)))
        return seen or visit.days.of(datetime.now(UTC))
    try:
        return _with_days_around(date.fromisoformat(given))
    except ValueError:
        return None


def _with_days_around(day: date) -> date | None:
    """Return a day that has as many before it as may be asked for, and one after it."""
    try:
        _ = day + _DAY, day - _DAY * max(map(int, SPANS))
    except OverflowError:
        return None
    return day
