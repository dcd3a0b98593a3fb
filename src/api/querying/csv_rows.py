"""Rows as CSV (RFC 4180), made of the structs that JSON is made of: the same members, the same texts.

A member is a column. Those of an object are columns of their own, named `object.member`. A list is one cell,
joined by `|`; of a list of objects each member is such a list. What is neither is its JSON text. Null is an
empty cell, an empty text is `""`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, inspect

from projections.reading import AMOUNT_PATTERN

BETWEEN = "|"
"""What stands between the values of a list."""

_END = "\r\n"
# An empty text, one that must be quoted, and one that a program may take for a formula.
_UNUSUAL = re.compile(r'\Z|[=+\-@\t]|[^",\r\n]*+[",\r\n]').match
_FORMULA = frozenset("=+-@\t\r")
_TO_QUOTE = re.compile(r'[",\r\n]').search
_NOTHING = (None, UNSET)

Texts = Callable[[Sequence[Any]], Sequence[str | None]]
"""Writes the values of a column, None for null."""


class Column(NamedTuple):
    """A column: its name, where in a row its value is, and whether it is text that anybody wrote."""

    name: str
    path: str
    texts: Texts
    is_text: bool


class CsvRows:
    """Writes rows of one kind."""

    def __init__(self, row: type[Struct], left_out: Collection[str] = (), *, raw: bool) -> None:
        """Write structs of the type `row` without the members `left_out`, and texts safe unless `raw`."""
        info = inspect.type_info(row)
        if not isinstance(info, inspect.StructType):
            raise TypeError(f"{row} is no row")
        self._columns = [
            column for column in _columns(info) if column.name.partition(".")[0] not in left_out
        ]
        self._write = _quoted if raw else _safe
        paths = [column.path for column in self._columns]
        self._get = attrgetter(*paths)
        self.header = (",".join(column.name for column in self._columns) + _END).encode()

    def write(self, rows: Sequence[Struct]) -> bytes:
        """Write rows, each on a line of its own."""
        found = list(map(self._get, rows))
        if not found:
            return b""
        values = zip(*found, strict=True) if len(self._columns) > 1 else [found]
        cells = map(self._cells, self._columns, values)
        return (_END.join(map(",".join, zip(*cells, strict=True))) + _END).encode()

    def _cells(self, column: Column, values: Sequence[Any]) -> list[str]:
        texts = column.texts(values)
        if not column.is_text:
            return ["" if text is None else text for text in texts]
        write = self._write
        return ["" if text is None else write(text) if _UNUSUAL(text) else text for text in texts]


def _quoted(text: str) -> str:
    if not text or _TO_QUOTE(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _safe(text: str) -> str:
    return _quoted(f"'{text}" if text[:1] in _FORMULA else text)


def _columns(row: inspect.StructType, named: str = "", at: str = "") -> Iterator[Column]:
    for field in row.fields:
        name, path = named + field.encode_name, at + field.name
        kind, may_be_nothing = _without_null(field.type)
        may_be_nothing |= not field.required  # it may be UNSET
        inner = kind.item_type if isinstance(kind, inspect.ListType) else kind
        if not isinstance(inner, inspect.StructType):
            yield Column(name, path, *_texts_of(kind, may_be_nothing=may_be_nothing))
        elif inner is kind and not may_be_nothing:
            yield from _columns(inner, f"{name}.", f"{path}.")
        else:
            wrap = _of_one if inner is kind else _of_each
            for column in _columns(inner, f"{name}."):
                yield Column(column.name, path, wrap(column), column.is_text)


def _of_one(column: Column) -> Texts:
    """Write a column of objects that may be null."""
    get = attrgetter(column.path)
    return lambda values: [
        None if value in _NOTHING else column.texts([get(value)])[0] for value in values
    ]


def _of_each(column: Column) -> Texts:
    """Write a column of lists of objects, which mostly hold one: all of them at once."""
    get = attrgetter(column.path)

    def texts(values: Sequence[Any]) -> Sequence[str | None]:
        written = column.texts([get(item) for items in values if items for item in items])
        if len(written) == len(values) and all(items and len(items) == 1 for items in values):
            return written
        following = iter(written)
        return [
            None if items in _NOTHING else _joined(list(islice(following, len(items))))
            for items in values
        ]

    return texts


def _texts_of(kind: inspect.Type, *, may_be_nothing: bool) -> tuple[Texts, bool]:
    """Return how a column is written, and whether it is text that anybody may have written."""
    if isinstance(kind, inspect.ListType):
        inner, item_may_be_null = _without_null(kind.item_type)
        texts, is_text = _texts_of(inner, may_be_nothing=item_may_be_null)
        return lambda values: [
            None if items in _NOTHING else _joined(texts(items)) for items in values
        ], is_text
    texts, is_text = _kind_of_texts(kind)
    if not may_be_nothing:
        return texts, is_text
    return lambda values: texts([None if value is UNSET else value for value in values]), is_text


def _kind_of_texts(kind: inspect.Type) -> tuple[Texts, bool]:
    match kind:
        case inspect.StrType(pattern=pattern):
            return _as_they_are, pattern != AMOUNT_PATTERN
        case inspect.LiteralType():
            return _as_they_are, False
        case inspect.DateTimeType() | inspect.DateType():
            return msgspec.to_builtins, False  # which writes them as JSON has them
        case inspect.IntType():
            return _integers, False
        case inspect.BoolType() | inspect.FloatType():
            return _json, False
        case _:
            return _json, True


def _joined(texts: Sequence[str | None]) -> str:
    return BETWEEN.join("" if text is None else text for text in texts)


def _as_they_are(values: Sequence[str | None]) -> Sequence[str | None]:
    return values


def _integers(values: Sequence[int | None]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _json(values: Sequence[Any]) -> list[str | None]:
    # Raw is kept as it was sent, digit for digit.
    return [None if value is None else msgspec.json.encode(value).decode() for value in values]


def _without_null(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    """Return what a value is if it is not null, and whether it may be null."""
    if isinstance(kind, inspect.UnionType):
        others = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(others) == 1:
            return _without_null(others[0])[0], True
    if isinstance(kind, inspect.Metadata):
        return _without_null(kind.type)
    return kind, False
