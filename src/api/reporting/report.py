"""A report with its header: what it is of, when it was made, and up to which position of the log it goes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from domain.gaming_day import DayRule
from domain.money import plain
from projections.reports.shape import Check, Content

R = TypeVar("R")
T = TypeVar("T")

NO_ACTIVITY = "No Activity"
"""What a report says where it has no rows."""


class Period(Struct, frozen=True, rename={"at_or_after": "from", "before": "to"}):
    """The time that a report is about, null where it has no end, and when gaming days begin."""

    at_or_after: datetime | None
    before: datetime | None
    time_zone: str
    day_starts: str


class Report(Struct, Generic[R, T], frozen=True):
    """A report. All numbers are of the events up to `log_position`.

    `checkpoint_size` is how much of the log is sealed, null where nothing is. `note` is `No Activity` where
    there are no rows, null else. `reconciled` says whether all of `reconciliation` has no difference, null
    where there is nothing to hold the rows against.
    """

    title: str
    tenant: str
    period: Period
    generated_at: datetime
    filters: dict[str, str]
    log_position: int
    checkpoint_size: int | None
    note: str | None
    rows: list[R]
    totals: list[T]
    reconciled: bool | None
    reconciliation: list[Check]


class Made(NamedTuple):
    """What a report is made of, beside its content."""

    title: str
    tenant: str
    rule: DayRule
    generated_at: datetime
    log_position: int
    sealed: int


def make_report(kind: type[Report[Any, Any]], made: Made, filters: Struct, content: Content) -> Any:
    """Put a report of some kind together."""
    return kind(
        made.title,
        made.tenant,
        Period(
            getattr(filters, "at_or_after", None),
            getattr(filters, "before", None),
            made.rule.time_zone,
            made.rule.starts_at,
        ),
        made.generated_at,
        filters_as_sent(filters),
        made.log_position,
        made.sealed or None,
        None if content.rows else NO_ACTIVITY,
        list(content.rows),
        list(content.totals),
        not any(_differs(check) for check in content.checks) if content.checks else None,
        list(content.checks),
    )


def filters_as_sent(filters: Struct) -> dict[str, str]:
    """Name what was asked for, but for the period."""
    named: Mapping[str, Any] = msgspec.to_builtins(filters, builtin_types=(Decimal,))
    return {
        name: _as_sent(value)
        for name, value in named.items()
        if value is not None and name not in {"from", "to"}
    }


def header_lines(report: Report[Any, Any]) -> list[tuple[str, str]]:
    """Write the header for people, by name."""
    period, zone = report.period, report.period.time_zone
    lines = [
        ("tenant", report.tenant),
        ("from", _moment(period.at_or_after) or "the beginning of the log"),
        ("to", _moment(period.before) or "the end of the log"),
        ("gaming days begin at", f"{period.day_starts} {zone}"),
        ("generated_at", _moment(report.generated_at)),
        *((f"filter {name}", value) for name, value in report.filters.items()),
        ("log_position", str(report.log_position)),
    ]
    if report.checkpoint_size is not None:
        lines.append(("checkpoint_size", str(report.checkpoint_size)))
    if report.reconciled is not None:
        lines.append(("reconciled", "yes" if report.reconciled else "no, see the differences"))
    lines.extend(
        (f"difference in {check.currency}", f"{check.difference}: {check.what}")
        for check in report.reconciliation
        if _differs(check)
    )
    return lines


def flat(rows: Sequence[Struct]) -> list[dict[str, Any]]:
    """Write rows for people, with a column for each member: those of objects are `object.member`.

    A list stays one.
    """
    return [_flat(msgspec.to_builtins(row)) for row in rows]


def _flat(row: Mapping[str, Any], named: str = "") -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            cells |= _flat(value, f"{named}{name}.")
        else:
            cells[named + name] = _for_people(value)
    return cells


def _for_people(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def _differs(check: Check) -> bool:
    return check.difference != "0"


def _as_sent(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return plain(value)
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else str(msgspec.to_builtins(moment))
