"""Reports in CSV (RFC 4180): the header, a line for each of its members, then the table."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from api.querying.csv_rows import CsvRows
from api.reporting.report import Report, header_lines

_END = b"\r\n"


class _Line(Struct):
    name: str
    value: str


def csv_text(report: Report[Any, Any], table: CsvRows, *, raw: bool) -> bytes:
    """Write a report. With `raw` it is the table alone: its names, and its rows as they are.

    All lines have as many cells as the table has columns, at least two.
    """
    if raw:
        return table.header + table.write(report.rows)
    width = max(table.header.count(b",") + 1, 2)
    lines = [("title", report.title), *header_lines(report)]
    note = [(report.note, "")] if report.note else []
    return _padded(lines, width) + table.header + table.write(report.rows) + _padded(note, width)


def _padded(lines: Sequence[tuple[str, str]], width: int) -> bytes:
    cells = CsvRows(_Line, raw=False)
    ends = b"," * (width - 2) + _END
    return b"".join(cells.write([_Line(*line)]).removesuffix(_END) + ends for line in lines)
