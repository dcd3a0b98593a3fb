"""Files to be imported, read record by record: NDJSON, JSON and CSV, each with the line it begins on.

What a record says is not judged here, but for what can't even be sent: the service does that.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec
from msgspec import Raw

from app.wire.json_text import MAX_DEPTH, NotJsonError, check_syntax, check_utf8
from domain.item_types import ITEM_TYPES, Kind
from domain.money import number_value

Format = Literal["ndjson", "json", "csv"]
FORMATS: Mapping[str, Format] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".csv": "csv",
}
"""The format that the ending of a file's name tells."""

MOST_BYTES = 8 * 1024 * 1024
"""How long one record may be: what is longer is none that a service takes."""

EVENT = "event"
_SEPARATOR = "|"
_FLAGS = {"true": b"true", "false": b"false"}
_NUMBERS = {Kind.AMOUNT, Kind.RATIO}
_SPACE = re.compile(rb"\s*")


class Record(NamedTuple):
    """An item of a file as it is to be sent, or why it can't be; `end` is how far the file is read then."""

    line: int
    text: bytes
    fault: str | None
    end: int


class Columns(NamedTuple):
    """What columns of CSV mean: the member of each that is called otherwise, and the event of all rows."""

    members: Mapping[str, str]
    event: str | None


class UnreadableFileError(Exception):
    """A file as a whole is not what it should be."""


def read_records(file: BinaryIO, of_format: Format, columns: Columns) -> Iterator[Record]:
    """Read the records of a file. Raises UnreadableFileError and OSError."""
    match of_format:
        case "ndjson":
            yield from _lines(file)
        case "json":
            yield from _elements(file)
        case "csv":
            yield from _rows(file, columns)


def _lines(file: BinaryIO) -> Iterator[Record]:
    end = 0
    for number, line in enumerate(file, 1):
        end += len(line)
        text = line.strip()
        if number == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if text:
            yield _record(number, text, end)


_LEVELS_AROUND = 2
"""How deep an item is in the batch that it is sent in: an array in an object."""


def _record(line: int, text: bytes, end: int) -> Record:
    if len(text) > MOST_BYTES:
        return Record(line, b"", f"is longer than {MOST_BYTES:,} bytes", end)
    try:
        check_utf8(text)
        check_syntax(text, MAX_DEPTH - _LEVELS_AROUND)
    except NotJsonError as error:
        return Record(line, b"", f"is not JSON: {error}", end)
    return Record(line, text, None, end)


class _Batch(msgspec.Struct):
    items: list[Raw]


def _elements(file: BinaryIO) -> Iterator[Record]:
    """Read the elements of an array, or of the `items` of an object; the file is read as a whole."""
    text = file.read().removeprefix(b"\xef\xbb\xbf")
    try:
        check_utf8(text)
        check_syntax(text)
        if text.lstrip().startswith(b"["):
            found = msgspec.json.decode(text, type=list[Raw])
        else:
            found = msgspec.json.decode(text, type=_Batch).items
    except NotJsonError as error:
        raise UnreadableFileError(f"is not JSON: {error}") from None
    except msgspec.ValidationError:
        raise UnreadableFileError(
            "is neither an array of items nor an object with `items`"
        ) from None
    line, at = 1, 0
    for element in map(bytes, found):
        start = text.index(element, at)
        line += text.count(b"\n", at, start)
        at = start + len(element)
        yield _record(line, element, at)
        line += element.count(b"\n")


def _rows(file: BinaryIO, columns: Columns) -> Iterator[Record]:
    csv.field_size_limit(MOST_BYTES)
    # What is not UTF-8 is told of the row that has it.
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text, strict=True)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise UnreadableFileError(f"is not CSV at line 1: {error}") from None
    if not _is_utf8(header):
        raise UnreadableFileError("is not UTF-8 at line 1")
    members = [columns.members.get(name, name) for name in header]
    _check_header(header, members, columns)
    end = 0
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            # Where the next row begins nobody knows.
            yield Record(line, b"", f"is not CSV: {error}; the rest of the file is not read", end)
            return
        if row is None:
            return
        end += sum(map(len, row)) + len(row)
        if row:
            yield _row(line, row, members, columns.event, end)


def _is_utf8(row: Sequence[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_header(header: Sequence[str], members: Sequence[str], columns: Columns) -> None:
    if missing := [name for name in columns.members if name not in header]:
        raise UnreadableFileError(f"has no column {', '.join(map(repr, missing))}")
    if twice := {name for name in members if members.count(name) > 1}:
        raise UnreadableFileError(f"has more than one column for {', '.join(sorted(twice))}")
    if EVENT not in members and columns.event is None:
        raise UnreadableFileError(
            "has no column `event`: say by --event what its rows are, or by --map which column says it"
        )


def _row(
    line: int, row: Sequence[str], members: Sequence[str], event: str | None, end: int
) -> Record:
    if len(row) != len(members):
        return Record(line, b"", f"has {len(row)} cells, and the header {len(members)}", end)
    if not _is_utf8(row):
        return Record(line, b"", "is not UTF-8", end)
    cells = dict(zip(members, row, strict=True))
    of_event = cells.pop(EVENT, "") or event
    data = {name: _cell(of_event, name, cell) for name, cell in cells.items() if cell}
    item: dict[str, Any] = {"data": data} if of_event is None else {EVENT: of_event, "data": data}
    return Record(line, msgspec.json.encode(item), None, end)


def _cell(event: str | None, name: str, cell: str) -> str | Raw | list[str]:
    """Write a cell as its member wants it; what can't be so stays a text, which the service refuses."""
    item_type = ITEM_TYPES.get(event or "")
    kinds = {member.name: member.kind for member in item_type.members} if item_type else {}
    kind = kinds.get(name)
    if kind is Kind.FLAG:
        flag = _FLAGS.get(cell.strip().lower())
        return cell if flag is None else Raw(flag)
    if kind is Kind.TEXTS:
        return cell.split(_SEPARATOR)
    if kind in _NUMBERS and _is_number(cell.strip()):
        return Raw(cell.strip().encode())
    return cell


def _is_number(text: str) -> bool:
    """Return whether a text is a number as JSON has it, so that it is sent digit for digit."""
    try:
        number_value(text)
        json.loads(text)
    except ValueError:
        return False
    return True
