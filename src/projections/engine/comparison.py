"""Comparing two generations of a read model, row by row, in the database."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import sql

from postgres.connections import Connection
from projections.engine.generations import TableShape, table_shape
from projections.entries import Scope

_SHOWN = 5
_LONGEST_VALUE = 60

# Both generations by their keys: a hash or merge join, in one pass, whatever their size.
_BOTH = sql.SQL("""
    (select {columns}, true as there from {table} where {of}) o
    full join (select {columns}, true as there from {table} where {of}) n on {same_key}
""")
_COUNT = sql.SQL("""
    select count(n.there), count(*) filter (where o.there is null),
           count(*) filter (where n.there is null),
           count(*) filter (where o.there and n.there and o is distinct from n)
      from {both}
""")
_SHOW = sql.SQL("""
    select (to_jsonb(o) - 'there')::text, (to_jsonb(n) - 'there')::text
      from {both} where o is distinct from n limit %s
""")

Row = Mapping[str, Any]


class Difference(NamedTuple):
    """A row that is not the same in both generations; None where there is none."""

    key: Row
    old: Row | None
    new: Row | None

    def __str__(self) -> str:
        """Write the key, and what the old row says and what the new one does."""
        key = ", ".join(f"{name} {_short(value)}" for name, value in self.key.items())
        if self.old is None:
            return f"{key}: was missing"
        if self.new is None:
            return f"{key}: should not be there"
        return f"{key}: " + ", ".join(
            f"{name} {_short(value)} instead of {_short(self.new[name])}"
            for name, value in self.old.items()
            if value != self.new[name]
        )


class Comparison(NamedTuple):
    """What is not the same in two generations of a table; `differences` are the first few of them."""

    table: str
    rows: int
    missing: int
    unexpected: int
    changed: int
    differences: Sequence[Difference]

    @property
    def differing(self) -> int:
        """How many rows are not the same."""
        return self.missing + self.unexpected + self.changed


def compare(connection: Connection, table: str, old: Scope, new: Scope) -> Comparison:
    """Compare two generations of a table: `missing` rows are not in the old one, `unexpected` not in the new.

    Within a snapshot in which both stand at the same position.
    """
    shape = table_shape(connection, table)
    both = _BOTH.format(
        columns=shape.listed([*shape.key, *shape.columns]),
        table=shape.name,
        of=shape.of_generation(),
        same_key=sql.SQL(" and ").join(
            sql.SQL("{} = {}").format(sql.Identifier("o", name), sql.Identifier("n", name))
            for name in shape.key
        ),
    )
    counted = connection.execute(_COUNT.format(both=both), [*old, *new]).fetchone()
    rows, missing, unexpected, changed = counted or (0, 0, 0, 0)
    differences: list[Difference] = []
    if missing or unexpected or changed:
        shown = connection.execute(_SHOW.format(both=both), [*old, *new, _SHOWN])
        differences = [_difference(shape, *row) for row in shown]
    return Comparison(table, rows, missing, unexpected, changed, differences)


def _difference(shape: TableShape, old_json: str | None, new_json: str | None) -> Difference:
    old, new = _row(old_json), _row(new_json)
    known = old or new or {}
    return Difference({name: known[name] for name in shape.key}, old, new)


def _row(row_json: str | None) -> Row | None:
    if row_json is None:
        return None
    row: Row = json.loads(row_json, parse_float=Decimal, parse_int=Decimal)
    return row


def _short(value: Any) -> str:
    """Write a value as a person reads it, within a line."""
    text = (
        f"{value:f}"
        if isinstance(value, Decimal)
        else json.dumps(value, default=str, ensure_ascii=False)
    )
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
