"""The plans of the statements that the service runs, made and run on its own connections."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

_PARAMETER = re.compile(r"%\((\w+)\)s")
_READS = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:select|with)\b", re.IGNORECASE)

Node = dict[str, Any]


class Scan(NamedTuple):
    """How a statement read one table: the node, and the rows that it looked at, given on or not.

    Entries of an index that lead to no row are not counted: they cost a twentieth.
    """

    table: str
    node: str
    rows: float


class Explained(NamedTuple):
    """A statement that was run, and how its tables were read."""

    statement: str
    scans: list[Scan]


class Watch:
    """Explains each reading statement, while it is on, before the statement itself runs."""

    def __init__(self) -> None:
        self.on = False
        self.explained: list[Explained] = []

    @contextmanager
    def watching(self) -> Iterator[list[Explained]]:
        self.explained = []
        self.on = True
        try:
            yield self.explained
        finally:
            self.on = False


@contextmanager
def watched_connections() -> Iterator[Watch]:
    """Watch every connection of this process."""
    watch, execute, own = Watch(), psycopg.Cursor.execute, threading.local()

    def explain_and_execute(
        cursor: psycopg.Cursor[Any], query: Any, params: Any = None, **options: Any
    ) -> Any:
        if watch.on and isinstance(query, str) and _READS.match(query) and not _is_on(own):
            own.explaining = True
            try:
                plan = _explain(cursor.connection, query, params or {})
            finally:
                own.explaining = False
            watch.explained.append(Explained(query, list(_scans(plan))))
        return execute(cursor, query, params, **options)

    psycopg.Cursor.execute = explain_and_execute  # type: ignore[method-assign, assignment]
    try:
        yield watch
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def _is_on(own: threading.local) -> bool:
    return getattr(own, "explaining", False)


def _explain(connection: psycopg.Connection[Any], query: str, params: dict[str, Any]) -> Node:
    """Plan a statement as its session would: for the values at hand or, in the pool by key, for any."""
    names = list(dict.fromkeys(_PARAMETER.findall(query)))
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", query)
    values = sql.SQL(", ").join([sql.Literal(params[name]) for name in names])
    call = sql.SQL("watched ({})").format(values) if names else sql.SQL("watched")
    with connection.cursor() as cursor:
        cursor.execute(f"prepare watched as {numbered.replace('%%', '%')}")
        try:
            found = cursor.execute(
                sql.SQL("explain (analyze, timing off, format json) execute ") + call
            ).fetchone()
        finally:
            cursor.execute("deallocate watched")
    assert found is not None
    plans = json.loads(found[0]) if isinstance(found[0], str) else found[0]
    plan: Node = plans[0]["Plan"]
    return plan


def _scans(node: Node) -> Iterator[Scan]:
    if "Relation Name" in node:
        looked_at = (
            node["Actual Rows"]
            + node.get("Rows Removed by Filter", 0)
            + node.get("Rows Removed by Index Recheck", 0)
        )
        yield Scan(node["Relation Name"], node["Node Type"], looked_at * node["Actual Loops"])
    for below in node.get("Plans", []):
        yield from _scans(below)
