"""Rows become what the names of their columns say, whatever the order of the columns."""

from typing import Any, NamedTuple

import pytest
from msgspec import Struct

from postgres.connections import Connection, connect
from postgres.rows import RowError, fetch_all, fetch_one, fetch_pairs
from postgres.statements import Statement
from tests.databases import Database


class Point(NamedTuple):
    x: int
    y: int


class Place(Struct):
    x: int
    y: int


class OnlyX(NamedTuple):
    x: int


def place(y: int, x: int) -> Place:
    return Place(x, y)


IN_ORDER = Statement("in_order", "select n as x, n * 10 as y from generate_series(1, 2) as n")
REVERSED = Statement("reversed", "select n * 10 as y, n as x from generate_series(1, 2) as n")
WIDER = Statement(
    "wider", "select 0 as x, 'a' as name, n as y, 'b' as of from generate_series(1, 2) as n"
)
ALONE = Statement("alone", "select nullif(n, 2) as x from generate_series(1, 2) as n")
NOTHING = Statement("nothing", "select 1 as x, 2 as y where false")
TWICE = Statement("twice", "select 1 as x, 2 as y, 3 as y")


@pytest.fixture
def connection(database: Database) -> Any:
    with connect(database.service_url) as opened:
        yield opened


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("statement", [IN_ORDER, REVERSED], ids=lambda each: each.name)
@pytest.mark.parametrize("kind", [Point, Place, place], ids=lambda kind: kind.__name__)
def test_columns_are_bound_by_name(
    kind: Any, statement: Statement, binary: bool, connection: Connection
) -> None:
    made = Point if kind is Point else Place
    assert fetch_all(connection, statement, None, kind, binary=binary) == [made(1, 10), made(2, 20)]
    assert fetch_one(connection, statement, None, kind, binary=binary) == made(1, 10)
    assert fetch_all(connection, NOTHING, None, kind) == []
    assert fetch_one(connection, NOTHING, None, kind) is None


def test_a_plain_type_is_the_value_of_the_only_column(connection: Connection) -> None:
    assert fetch_all(connection, ALONE, None, int) == [1, None]
    assert fetch_one(connection, ALONE, None, int) == 1
    assert fetch_all(connection, ALONE, None, OnlyX) == [OnlyX(1), OnlyX(None)]  # type: ignore[arg-type]


def test_a_key_is_apart_from_the_rest(connection: Connection) -> None:
    assert fetch_pairs(connection, REVERSED, None, "x", int) == [(1, 10), (2, 20)]
    assert fetch_pairs(connection, IN_ORDER, None, "y", OnlyX) == [(10, OnlyX(1)), (20, OnlyX(2))]
    assert dict(fetch_pairs(connection, WIDER, None, ("of", "name"), Point)) == {
        ("b", "a"): Point(0, 2)
    }


@pytest.mark.parametrize(
    ("statement", "kind", "said"),
    [
        (WIDER, Point, "wider: x, name, y, of are not the columns x, y of Point"),
        (ALONE, Place, "alone: x are not the columns x, y of Place"),
        (ALONE, place, "alone: x are not the columns y, x of place"),
        (TWICE, Point, "twice: x, y, y are not the columns x, y of Point"),
        (IN_ORDER, int, "in_order: x, y is not one column for a value"),
    ],
)
def test_a_column_that_is_missing_or_unknown_is_an_error(
    statement: Statement, kind: Any, said: str, connection: Connection
) -> None:
    for fetch in (fetch_all, fetch_one):
        with pytest.raises(RowError, match=f"^{said}$"):
            fetch(connection, statement, None, kind)
    assert fetch_one(connection, ALONE, None, int) == 1
