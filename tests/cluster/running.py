"""Running any statement of a .sql file once, with a value of the type that each parameter is to have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import pq

from postgres.connections import Connection
from postgres.statements import statements_of

SRC = Path(__file__).parents[2] / "src"

_NAMED = re.compile(r"%\((\w+)\)s")
_NUMBERED = re.compile(r"\$(\d+)")
_COPIED = re.compile(r"copy \((.*)\) to stdout", re.DOTALL)
_TASKS = re.compile(r"Task Count: (\d+)")

# By the name of a type, as text.
_BY_TYPE = {
    "bool": "true",
    "bytea": "\\x00112233445566778899aabbccddeeff",
    "date": "2026-01-01",
    "float8": "1",
    "int2": "1",
    "int4": "1",
    "int8": "1",
    "interval": "6:00",
    "jsonb": "{}",
    "json": "{}",
    "name": "events",
    "numeric": "1",
    "pg_snapshot": "10:20:15",
    "regclass": "roundbook.events",
    "text": "a",
    "-": "1",
    "timestamptz": "2026-01-01 00:00:00+00",
    "tid": "(0,1)",
    "varchar": "a",
    "xid8": "10",
}


class Asked(NamedTuple):
    """A statement of a .sql file, whose parameters have numbers."""

    file: str
    name: str
    text: str
    parameters: list[str]


def all_statements(src: Path = SRC) -> Iterator[Asked]:
    """Give each statement of each .sql file, but for steps of the schema."""
    for path in sorted(src.rglob("*.sql")):
        for statement in statements_of(path):
            names = list(dict.fromkeys(_NAMED.findall(statement.sql)))
            text = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", statement.sql)  # noqa: B023
            text = text.replace("%%", "%")
            yield Asked(path.relative_to(src).as_posix(), statement.name, text, names)


class Given(NamedTuple):
    """Values by names of parameters; of the others there is one of the type, or null, and `flags` are so."""

    values: dict[str, str]
    flags: bool = True
    nulls: bool = False


def run(connection: Connection, asked: Asked, given: Given) -> None:
    """Run a statement once. Raises psycopg.Error."""
    pgconn = connection.pgconn
    if copied := _COPIED.match(asked.text):
        # COPY takes no parameters: who runs it writes them into its text.
        query = asked._replace(text=copied[1])
        text = _written(asked.text, _values(connection, query, given))
        result = pgconn.exec_(text.encode())
    else:
        result = pgconn.exec_params(asked.text.encode(), _values(connection, asked, given))
    status, message = result.status, result
    if status == pq.ExecStatus.COPY_IN:
        pgconn.put_copy_end()
    while status == pq.ExecStatus.COPY_OUT and pgconn.get_copy_data(0)[0] >= 0:
        continue
    if status in {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT}:
        message = pgconn.get_result() or result
        pgconn.get_result()
    if message.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
        raise psycopg.errors.error_from_result(message)


def _written(text: str, values: list[bytes | None]) -> str:
    def literal(found: re.Match[str]) -> str:
        value = values[int(found[1]) - 1]
        return "null" if value is None else f"'{value.decode()}'"

    return _NUMBERED.sub(literal, text)


def tasks(connection: Connection, asked: Asked, given: Given) -> int:
    """Tell how many statements for nodes become of a statement. Raises psycopg.Error."""
    values = _values(connection, asked, given)
    result = connection.pgconn.exec_params(b"explain " + asked.text.encode(), values)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result)
    lines = [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]
    return sum(int(found[1]) for line in lines if (found := _TASKS.search(line)))


def _values(connection: Connection, asked: Asked, given: Given) -> list[bytes | None]:
    def value(name: str, kind: str) -> bytes | None:
        if name in given.values:
            return given.values[name].encode()
        if kind == "boolean":
            return str(given.flags).lower().encode()
        return None if given.nulls else _value(kind).encode()

    types = zip(asked.parameters, _types(connection, asked), strict=True)
    return [value(name, kind) for name, kind in types]


def _types(connection: Connection, asked: Asked) -> list[str]:
    if not asked.parameters:
        return []
    prepared = connection.pgconn.prepare(b"asked", asked.text.encode())
    if prepared.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(prepared)
    described = connection.pgconn.describe_prepared(b"asked")
    oids = [described.param_type(each) for each in range(len(asked.parameters))]
    connection.execute("deallocate asked")
    named: dict[int, str] = dict(
        connection.execute(
            "select o, format_type(o, null) from unnest(%s::oid[]) as o", [oids]
        ).fetchall()
    )
    return [named[oid] for oid in oids]


def _value(kind: str) -> str:
    short = {
        "integer": "int4",
        "bigint": "int8",
        "smallint": "int2",
        "boolean": "bool",
        "timestamp with time zone": "timestamptz",
        "double precision": "float8",
        "character varying": "varchar",
    }
    if kind.endswith("[]"):
        element = _value(kind.removesuffix("[]"))
        return '{"' + element.replace("\\", "\\\\") + '"}'
    return _BY_TYPE[short.get(kind, kind)]
