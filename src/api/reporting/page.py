"""Reports as pages for people: one file that needs no other, printable, in which nothing can run."""

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.reporting.report import Report, flat, header_lines

_TEMPLATES = Environment(
    loader=PackageLoader("api.reporting", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
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
        ("", flat(report.rows)),
        ("Totals", flat(report.totals)),
        ("Reconciliation", flat(report.reconciliation)),
    ]
    return _PAGE.render(
        report=report,
        style=_STYLE,
        header=header_lines(report),
        tables=[(title, list(rows[0]) if rows else [], rows) for title, rows in tables],
    )
