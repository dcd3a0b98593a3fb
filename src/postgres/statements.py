"""The SQL of a module, from the file beside it: statements by names that the type checker knows."""

import inspect
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import LiteralString, NamedTuple

import aiosql
from aiosql.types import SQLOperationType


class StatementsError(Exception):
    """A module and the .sql file beside it don't name the same statements."""


class Statement(NamedTuple):
    """One statement of a .sql file: its name, and its text with named parameters, as psycopg takes it."""

    name: str
    sql: LiteralString


class Statements:
    """The statements of a module, which declares their names; their texts are in the .sql file beside it.

        class Sql(Statements):
            find_rounds: Statement

        SQL = Sql(__file__)

    So a name that is misspelt fails the type check, and one that the file doesn't have the import.
    Blocks for scripts (`-- name: step_0003_rounds()#`) are steps of the schema, and no statements.
    """

    def __init__(self, module_file: str) -> None:
        """Read the statements of the module at `module_file` (its `__file__`). Raises StatementsError."""
        path = Path(module_file).with_suffix(".sql")
        found = {each.name: each for each in statements_of(path)}
        declared = inspect.get_annotations(type(self)).keys()
        if declared != found.keys():
            raise StatementsError(
                f"{path.name}: {_listed(found.keys() - declared)} stand in the file alone,"
                f" {_listed(declared - found.keys())} in {type(self).__module__} alone"
            )
        for name, statement in found.items():
            setattr(self, name, statement)


def statements_of(path: Path) -> list[Statement]:
    """List the statements of a .sql file. Raises aiosql.SQLParseException."""
    return [Statement(name, text) for name, text, is_script in _blocks(path) if not is_script]


def scripts(path: Path | Traversable) -> dict[str, LiteralString]:
    """Read the scripts of a .sql file by their names, comments and all. Raises aiosql.SQLParseException."""
    return {name: text for name, text, is_script in _blocks(path) if is_script}


def _blocks(path: Path | Traversable) -> Iterator[tuple[str, LiteralString, bool]]:
    queries = aiosql.from_str(path.read_text("utf-8"), "psycopg")
    for name in queries.available_queries:
        # Of each query the library makes a second one, which gives a cursor.
        if name.removesuffix("_cursor") in queries.available_queries and name.endswith("_cursor"):
            continue
        query = getattr(queries, name)
        is_script = query.operation == SQLOperationType.SCRIPT
        # Which the library takes off the beginning, and where a step says something of itself.
        comment = "".join(f"-- {line}\n" for line in (query.__doc__ or "").splitlines())
        yield name, comment + query.sql if is_script else query.sql, is_script


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
