"""Reports as pages for people: one file that needs no other, printable, in which nothing can run."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.reporting.report import Report, flat, header_lines
from projections.reading import AMOUNT_PATTERN

_TEMPLATES = Environment(
    loader=PackageLoader("api.reporting", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEXTS = frozenset(
    [
        "player_id",
        "game_id",
        "round_id",
        "unique_id",
        "provider",
        "method",
        "detail",
        "events",
        "what",
    ]
)
_NUMBER = re.compile(AMOUNT_PATTERN, re.ASCII)
_MOST_LISTED = 5
_PAGE = _TEMPLATES.get_template("report.html")
_STYLE = _TEMPLATES.get_template("report.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy of a page: its own style by its hash, and nothing else."""


def page(report: Report[Any, Any]) -> str:
    """Write a report as HTML. What is in it may be anything: all of it is escaped."""
    tables = [
        ("", report.rows),
        ("Totals", report.totals),
        ("Reconciliation", report.reconciliation),
    ]
    return _PAGE.render(
        report=report,
        style=_STYLE,
        header=header_lines(report),
        tables=[(title, *_table(flat(rows))) for title, rows in tables if rows],
        most_listed=_MOST_LISTED,
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, str]], Sequence[Any]]:
    """Return the columns, each with its class, and the rows."""
    return [(name, _class(name, [row[name] for row in rows])) for name in rows[0]], rows


def _class(name: str, values: Sequence[Any]) -> str:
    """Tell how a column looks: texts that anybody wrote may break anywhere, nothing else does."""
    if name in _TEXTS:
        return "text"
    numbers = (value is None or _NUMBER.fullmatch(str(value)) for value in values)
    return "number" if all(numbers) else "word"
