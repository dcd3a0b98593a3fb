"""Reports: what each is for, a form for it, and what it says."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from api.console.asking import Answer, Question, Refusal
from api.console.place import Place
from api.console.rendering import address
from api.console.report_forms import REPORTS, ReportForm
from api.console.report_tables import WORDS, table
from api.console.visits import Visit

PLACE = Place("Reports", "/console/reports", "read")

_MOST_SHOWN = 100
"""How many rows stand on a page: as many as on one of a collection. A file and the print have all."""


class Span(NamedTuple):
    """A time that is often asked for: what it is called, and the address of the report for it."""

    label: str
    address: str


@get("/console/reports")
async def list_reports(visit: NamedDependency[Visit]) -> Template:
    """Show which reports there are, and what each is for."""
    return visit.page("reports/list.html", reports=REPORTS.values())


@get([f"{PLACE.path}/{name}" for name in REPORTS])
async def show_report(visit: NamedDependency[Visit]) -> Template:
    """Show a report's form, and where its parameters are given the report itself."""
    form = REPORTS[visit.path.removeprefix(f"{PLACE.path}/")]
    given = _given(visit, form)
    asked = [Question(f"reports/{form.name}", given)] if visit.request.query_params else []
    suggesting = [Question("facets")] if form.suggests_providers else []
    answers = await visit.ask_each(*asked, *suggesting)
    refused = _refused(answers[0]) if asked else None
    return visit.page(
        "reports/report.html",
        status_code=refused.problem.status if refused else HTTPStatus.OK,
        form=form,
        given=given,
        spans=_spans(visit, form, given),
        providers=_providers(answers[-1]) if suggesting else [],
        refused=refused,
        report=_report(answers[0]) if asked and not refused else None,
        table=table,
        words=WORDS,
        most_shown=_MOST_SHOWN,
    )


ROUTES = [list_reports, show_report]


def _given(visit: Visit, form: ReportForm) -> dict[str, str]:
    """Return the parameters that are given; choices, of which there may be several, separated by commas."""
    query = visit.request.query_params
    given = {field.name: ",".join(query.getall(field.name, [])) for field in form.fields}
    return {name: value for name, value in given.items() if value}


def _refused(answer: Answer | Refusal) -> Refusal | None:
    """Return what the form is shown again for. Raises Refusal for what no other values would mend."""
    if isinstance(answer, Answer):
        return None
    if answer.problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        raise answer
    return answer


def _report(answer: Answer | Refusal) -> Any:
    return answer.json if isinstance(answer, Answer) else None


def _providers(answer: Answer | Refusal) -> list[str]:
    """Return what may be proposed. That there is nothing is no reason not to show the report."""
    if isinstance(answer, Refusal):
        return []
    return [each["value"] for each in answer.json["provider"]]


def _spans(visit: Visit, form: ReportForm, given: Mapping[str, str]) -> list[Span]:
    """Return what is often asked for, with all else as it is given; nothing while something is lacking."""
    lacking = [field for field in form.fields if field.required and field.name not in given]
    if not form.has_period or lacking:
        return []
    return [
        Span(label, address(visit.path, **{**given, "from": str(first), "to": str(end)}))
        for label, first, end in _common_spans(visit.days.of(datetime.now(UTC)))
        if form.longest_span_days is None or (end - first).days <= form.longest_span_days
    ]


def _common_spans(today: date) -> Iterator[tuple[str, date, date]]:
    """Yield spans, each with its first day and the one after the last."""
    day = timedelta(1)
    month = today.replace(day=1)
    next_month = (month + timedelta(31)).replace(day=1)
    yield "Today", today, today + day
    yield "Yesterday", today - day, today
    yield "The last 7 days", today - 6 * day, today + day
    yield "This month", month, next_month
    yield "Last month", (month - day).replace(day=1), month
