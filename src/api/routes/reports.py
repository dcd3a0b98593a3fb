"""Reports: `GET /api/v1/reports/{name}`, in JSON, as a table or as a page."""

from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency

from api.documentation.headers import POLICY as POLICY_HEADER
from api.documentation.operations import asked_by_example, operation
from api.documentation.problems import REPORT_PROBLEMS
from api.http.accept import CSV, HTML, JSON, negotiate
from api.http.auth import tenant_of
from api.http.problems import ProblemError
from api.querying.parameters import Asked, Fault, invalid_parameters
from api.querying.periods import ends_before_it_begins
from api.querying.queries import Queries, read_parameters
from api.querying.tables import answer_headers, csv_headers
from api.reporting.kinds import KINDS, ReportKind
from api.reporting.page import POLICY, page
from api.reporting.report import Made, Report, make_report
from api.reporting.tables import csv_text
from app.evidence.proving import sealed_size
from projections.reading import Snapshot
from projections.reports.shape import MOST_READ, MOST_ROWS, NotEndedError, TooLongError

# Of a report that would be no list but a false sum: other queries find nothing in such a period.
_BACKWARDS = Fault("to", "contradictory", "must not be before from")


async def _answer(
    request: Request[Any, Any, Any], queries: Queries, kind: ReportKind
) -> Response[Any]:
    media_type = negotiate(request, [JSON, CSV, HTML])
    asked = await read_parameters(
        request, kind.query, media_type=CSV if media_type == CSV else JSON
    )
    tenant, now = tenant_of(request), _now()

    def make(seen: Snapshot) -> Report[Any, Any]:
        filters = asked.at_moments(seen.days).filters
        if ends_before_it_begins(filters):
            raise invalid_parameters([_BACKWARDS])
        content = kind.make(seen, filters, now)
        sealed = sealed_size(seen.connection, tenant.tenant_id)
        made = Made(kind.title, tenant.name, seen.days.rule, now, seen.position, sealed)
        return make_report(kind.answer, made, filters, content)  # type: ignore[no-any-return]

    try:
        report, position = await queries.live(asked, make, by_key=kind.by_key)
    except TooLongError:
        raise _too_long(kind) from None
    except NotEndedError as error:
        detail = f"must be a gaming day that has ended, and {error} has not"
        raise invalid_parameters([Fault("known_at", "not_ended", detail)]) from None
    headers = answer_headers(position) | {"Vary": "Accept"}
    if media_type == JSON:
        return Response(report, media_type=JSON, headers=headers)
    text = await anyio.to_thread.run_sync(_written, kind, asked, media_type, report)
    if media_type == CSV:
        return Response(text, media_type=CSV, headers=headers | csv_headers(kind.query, position))
    return Response(text, media_type=HTML, headers=headers | {"Content-Security-Policy": POLICY})


def _too_long(kind: ReportKind) -> ProblemError:
    detail = (
        f"The report would have more than {MOST_ROWS:,} rows, or be made of more than {MOST_READ:,} events"
        f" of one day, player or kind. Ask for less by its parameters: {', '.join(kind.query.filter_names)}."
    )
    return ProblemError("report-too-long", detail)


def _now() -> datetime:
    return datetime.now(UTC)


def _written(
    kind: ReportKind, asked: Asked[Any, None], media_type: str, report: Report[Any, Any]
) -> bytes:
    if media_type == CSV:
        return csv_text(report, kind.query.csv_rows(asked), raw=asked.raw)
    return page(report).encode()


def _route(kind: ReportKind) -> Any:
    async def show_report(
        request: Request[Any, Any, Any], queries: NamedDependency[Queries]
    ) -> Response[Any]:
        return await _answer(request, queries, kind)

    show_report.__name__ = f"report_{kind.name.replace('-', '_')}"
    show_report.__doc__ = kind.about + _ALL
    show_report.__annotations__["return"] = Response[kind.answer]  # type: ignore[name-defined]
    example = kind.example()
    table = kind.query.csv_rows(asked_by_example(kind.query))
    return get(
        f"/api/v1/reports/{kind.name}",
        tags=["reports"],
        summary=f"Report {kind.title[0].lower()}{kind.title[1:]}",
        opt={"scope": "read"},
        operation_class=operation(
            kind.query,
            example,
            rows=example.rows,
            answer_headers={"Content-Security-Policy": POLICY_HEADER},
            streams={
                CSV: csv_text(example, table, raw=False).decode(),
                HTML: page(example),
            },
        ),
        responses=REPORT_PROBLEMS,
    )(show_report)


_ALL = (
    "\n\nAmounts are exact, by currency, and never converted. All numbers are of the events up to"
    " `log_position`. Where there are no rows `note` is `No Activity`. A report is given whole: one of more"
    f" than {MOST_ROWS:,} rows is refused (`report-too-long`). By `Accept` it is JSON; `text/csv`, in which"
    " the header, a line for each of its members, comes before the table, unless `raw` asks for the table"
    " alone; or `text/html`, a page for people, which can be printed."
)

REPORTS = [_route(kind) for kind in KINDS]
