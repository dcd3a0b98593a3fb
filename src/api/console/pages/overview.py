"""Overview: how things are now, and how a day went beside the days before it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from api.console.asking import Answer, Question, Refusal
from api.console.place import Place
from api.console.revenue import CurrencyDays, RevenueReport, by_currency
from api.console.visits import Visit

PLACE = Place("Overview", "/console", "read")


class Told(NamedTuple):
    """What an auditor looks at first: its name, the report that lists it, and what it is counted by."""

    label: str
    parameters: dict[str, str]
    question: Question


class Count(NamedTuple):
    """How many there are, or `is_more`: more than that."""

    number: int
    is_more: bool


_DAY = timedelta(1)
_SHOWN_DAYS = 28
_MOST_COUNTED = 1_000
_MOST_ROWS = 10_000  # of a report
_NO_DAY = "must be a date like 2025-01-15"


@get("/console")
async def show_overview(visit: NamedDependency[Visit]) -> Template:
    """Show the log and the read models now, and a gaming day: today, or the one that is asked for."""
    now, code = datetime.now(UTC), visit.parameter("currency")
    today = visit.days.of(now)
    day = _read_day(visit.parameter("day"), today)
    if day is None:
        status = await visit.ask("status")
        return visit.page(
            "overview/page.html",
            status_code=HTTPStatus.UNPROCESSABLE_ENTITY,
            faults={"day": _NO_DAY},
            day=None,
            codes=[],
            **_now(status.json),
        )
    days = [day - _DAY * ago for ago in reversed(range(_SHOWN_DAYS))]
    period = {"from": str(days[0]), "to": str(day + _DAY)}
    status, revenue = await visit.ask_all(
        Question("status"),
        Question("reports/revenue", {**period, "group_by": "day,currency"}),
    )
    currencies = by_currency(revenue.read(RevenueReport).rows, days)
    return visit.page(
        "overview/page.html",
        faults={},
        day=day,
        today=today,
        now=now,
        one_day=_DAY,
        told=[(each, None) for each in _told(day, today)],
        begins_at=visit.days.begin(day),
        ends_at=visit.days.end(day),
        days=days,
        period=period,
        currencies=currencies,
        chosen=_chosen(currencies, code),
        codes=sorted({*(each.currency for each in currencies), code} - {""}),
        **_now(status.json),
    )


@get("/console/overview/now", opt={"part": True})
async def show_now(visit: NamedDependency[Visit]) -> Template:
    """Show the part of the page that is asked for every two seconds."""
    status = await visit.ask("status")
    return visit.page("overview/now.html", **_now(status.json))


@get("/console/overview/told", opt={"part": True})
async def show_told(visit: NamedDependency[Visit]) -> Template:
    """Show the part of the page that counts what an auditor looks at: it may take longer than all else."""
    today = visit.days.of(datetime.now(UTC))
    told = _told(_read_day(visit.parameter("day"), today) or today, today)
    answers = await visit.ask_each(*(each.question for each in told))
    return visit.page("overview/told.html", told=[*zip(told, map(_count, answers), strict=True)])


ROUTES = [show_overview, show_now, show_told]


def _told(day: date, today: date) -> list[Told]:
    """Return what is counted of a day. Late items are those of the last day that has ended by then.

    Those are in the report alone; the others are counted by a page of their register.
    """
    ended = day - _DAY if day == today else day
    late = {"kind": "late", **_period(ended)}
    return [
        _registered("Conflicts", "conflict", "conflicts", day),
        _registered("Items left out", "refused", "refused", day),
        Told(f"Late items of {ended}", late, Question("reports/significant", late)),
    ]


def _registered(label: str, kind: str, register: str, day: date) -> Told:
    question = Question(register, {**_period(day), "limit": _MOST_COUNTED})
    return Told(label, {"kind": kind, **_period(day)}, question)


def _period(day: date) -> dict[str, str]:
    return {"from": str(day), "to": str(day + _DAY)}


def _count(answer: Answer | Refusal) -> Count:
    """Count what was answered, as far as it goes. Raises Refusal."""
    if isinstance(answer, Refusal):
        if answer.problem.name != "report-too-long":
            raise answer
        return Count(_MOST_ROWS, is_more=True)
    if "rows" in answer.json:
        return Count(len(answer.json["rows"]), is_more=False)
    return Count(len(answer.rows), is_more=answer.next_cursor is not None)


def _now(status: Any) -> dict[str, Any]:
    """Return what the live part is made of. The read model that is farthest behind tells for queries."""
    return {
        "status": status,
        "at": datetime.now(UTC).timestamp(),
        "behind": max(status["projections"], key=lambda each: each["lag_events"]),
    }


def _chosen(currencies: Sequence[CurrencyDays], code: str) -> CurrencyDays | None:
    """Return the currency that is asked for, else the one that was most played in; None if it was not."""
    return next((each for each in currencies if code in ("", each.currency)), None)


def _read_day(given: str, today: date) -> date | None:
    """Read a date, as far as there are days before and after it."""
    try:
        day = date.fromisoformat(given) if given else today
        _ = day + _DAY, day - _DAY * _SHOWN_DAYS
    except (ValueError, OverflowError):
        return None
    return day
