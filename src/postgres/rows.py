"""Rows, bound by the names of their columns, as fast as by their places.

What a row becomes is said by a *kind*: a msgspec Struct, a NamedTuple or a function, whose fields or
parameters are the columns by name, in any order; or a plain type, as `int`, for the value of the only
column, where null is None. All raise RowError where a column is missing or unknown, and psycopg.Error.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from itertools import starmap
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import psycopg

from postgres.connections import Connection
from postgres.statements import Statement

R = TypeVar("R")

Parameters = Mapping[str, object] | None
_Values = tuple[Any, ...]


class RowError(Exception):
    """The columns of a statement are not those of what its rows are to become."""


def fetch_all(
    connection: Connection,
    statement: Statement,
    parameters: Parameters,
    kind: Callable[..., R],
    *,
    binary: bool = False,
    prepare: bool | None = None,
) -> list[R]:
    """Run a statement and return its rows."""
    cursor = connection.execute(statement.sql, parameters, binary=binary, prepare=prepare)
    return list(_binding(statement, kind, _names(cursor)).rest(cursor.fetchall()))


def fetch_one(
    connection: Connection,
    statement: Statement,
    parameters: Parameters,
    kind: Callable[..., R],
    *,
    binary: bool = False,
    prepare: bool | None = None,
) -> R | None:
    """Run a statement and return its first row, None if there is none."""
    cursor = connection.execute(statement.sql, parameters, binary=binary, prepare=prepare)
    binding = _binding(statement, kind, _names(cursor))
    row = cursor.fetchone()
    found: R | None = None if row is None else next(iter(binding.rest([row])))
    return found


def fetch_pairs(
    connection: Connection,
    statement: Statement,
    parameters: Parameters,
    key: str | tuple[str, ...],
    kind: Callable[..., R],
    *,
    binary: bool = False,
    prepare: bool | None = None,
) -> list[tuple[Any, R]]:
    """Run a statement and return each row in two: the column `key` (or a tuple of several), and the rest.

    `dict` of that finds the rest by the key.
    """
    cursor = connection.execute(statement.sql, parameters, binary=binary, prepare=prepare)
    names = (key,) if isinstance(key, str) else key
    binding = _binding(statement, kind, _names(cursor), names)
    rows = cursor.fetchall()
    return list(zip(map(binding.key, rows), binding.rest(rows), strict=True))


class _Binding(NamedTuple):
    """What becomes of rows: of each its key, and of all the rest of them."""

    key: Callable[[_Values], Any]
    rest: Callable[[Iterable[_Values]], Iterable[Any]]


def _names(cursor: psycopg.Cursor[_Values]) -> tuple[bytes | None, ...]:
    # As libpq gives them: a description of each column would take longer to make than a few rows.
    result = cursor.pgresult
    return () if result is None else tuple(map(result.fname, range(result.nfields)))


@lru_cache(maxsize=1_000)
def _binding(
    statement: Statement,
    kind: Callable[..., Any],
    columns: tuple[bytes | None, ...],
    key: tuple[str, ...] = (),
) -> _Binding:
    """Find where the columns stand that are wanted, once for all rows. Raises RowError."""
    names = tuple((column or b"").decode() for column in columns)
    fields = _fields(kind)
    rest = [name for name in names if name not in key]
    if fields is None and len(rest) != 1:
        raise RowError(f"{statement.name}: {', '.join(names)} is not one column for a value")
    wanted = (*key, *(rest if fields is None else fields))
    if sorted(wanted) != sorted(names):
        raise RowError(
            f"{statement.name}: {', '.join(names)} are not the columns"
            f" {', '.join(wanted)} of {kind.__name__}"
        )
    key_of = itemgetter(*map(names.index, key)) if key else itemgetter(slice(0))
    if fields is None:
        return _Binding(key_of, partial(map, itemgetter(names.index(rest[0]))))
    if fields == names:
        return _Binding(key_of, partial(starmap, kind))
    places = [names.index(name) for name in fields]
    # Of one place alone itemgetter gives no tuple.
    pick = itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))
    return _Binding(key_of, lambda rows: starmap(kind, map(pick, rows)))


def _fields(kind: Callable[..., Any]) -> tuple[str, ...] | None:
    """Name the columns that a kind is made of; None for a plain type, whose values have no name."""
    if not isinstance(kind, type):
        return tuple(inspect.signature(kind).parameters)
    fields: tuple[str, ...] | None = getattr(
        kind, "__struct_fields__", getattr(kind, "_fields", None)
    )
    return fields
