"""The generations of a tenant's read models: one is live, one may be in the making, others are retired.

Their tracking rows say so, and are the locks: who brings a generation forward, begins it, makes it live or
retires it holds its row.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import sql

from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements
from projections.days import newest_rule
from projections.entries import Scope, Versions
from projections.models.registry import code_versions, tables
from projections.tracking import Pool


class Sql(Statements):
    """Reading and writing what generations there are, and what their tables look like."""

    lock_generations: Statement
    generations: Statement
    begin_generation: Statement
    retire: Statement
    make_live: Statement
    hold_live: Statement
    forget_generation: Statement
    claim_rebuild: Statement
    end_rebuild: Statement
    unkept: Statement
    columns: Statement
    primary_key: Statement


SQL = Sql(__file__)

_REBUILD_LOCK = 0x526F756E
_DELETED_AT_ONCE = 5_000
_PAUSE_S = 0.05
_WHOSE = ("tenant_id", "generation")


class RebuildError(Exception):
    """Read models could not be rebuilt."""


class AlreadyRebuildingError(RebuildError):
    """Another process is rebuilding the read models of this tenant."""

    def __str__(self) -> str:
        """Say it in the docstring's words."""
        return self.__doc__ or ""


class OvertakenError(RebuildError):
    """Another process has ended or replaced the generation that this one was making."""

    def __str__(self) -> str:
        """Say it in the docstring's words."""
        return self.__doc__ or ""


class Generation(NamedTuple):
    """One generation of a tenant's read models."""

    number: int
    position: int
    live: bool
    retired: bool
    versions: Versions

    @property
    def in_the_making(self) -> bool:
        """Whether a rebuild made it, or still does."""
        return not self.live and not self.retired


class Unkept(NamedTuple):
    """A generation with something to do: its rows are of other versions than `wanted`, or it is retired."""

    tenant_id: int
    is_other: bool
    is_retired: bool
    built_with: Versions
    wanted: Versions


def unkept(connection: Connection) -> list[Unkept]:
    """List the generations, of all tenants, that are to be rebuilt by this code or to be deleted."""
    return fetch_all(connection, SQL.unkept, {"versions": _encoded(code_versions())}, Unkept)


@contextmanager
def sole_rebuild(pool: Pool, tenant_id: int, *, patience_s: float = 0) -> Iterator[None]:
    """Be the only rebuild of a tenant.

    One that was killed lets go when PostgreSQL notices, mostly at the end of its last statement: that
    is worth some patience. Raises AlreadyRebuildingError.
    """
    until_s = time.monotonic() + patience_s
    with pool.connection() as connection:
        parameters = {"number": _REBUILD_LOCK, "tenant_id": tenant_id}
        while not fetch_one(connection, SQL.claim_rebuild, parameters, bool):
            if time.monotonic() >= until_s:
                raise AlreadyRebuildingError
            time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            # A session that is broken has let go already.
            with suppress(psycopg.Error):
                connection.execute(SQL.end_rebuild.sql, parameters)


def begin_or_resume(pool: Pool, tenant_id: int) -> Scope:
    """Return the generation in the making: what an interrupted rebuild by this code left, or a new one.

    By the newest rule of the tenant's days.
    """
    with pool.connection() as connection, connection.transaction():
        known = _generations(connection, tenant_id, lock=True)
        wanted = {**code_versions(), **newest_rule(connection, tenant_id).versions}
        resumed = None
        for each in known:
            if not each.in_the_making:
                continue
            if resumed is None and each.versions == wanted:
                resumed = each.number
            else:
                connection.execute(SQL.retire.sql, _named(Scope(tenant_id, each.number)))
        if resumed is not None:
            return Scope(tenant_id, resumed)
        scope = Scope(tenant_id, max((each.number for each in known), default=0) + 1)
        new = _named(scope) | {"versions": _encoded(wanted)}
        connection.execute(SQL.begin_generation.sql, new)
        return scope


class Standing(NamedTuple):
    """Where the live generation stands, and the one in the making beside it."""

    live: Generation
    made: Generation

    @property
    def gap(self) -> int:
        """How many events are left to make."""
        return self.live.position - self.made.position


def standing(connection: Connection, made: Scope) -> Standing:
    """Return where both generations stand. Raises OvertakenError where one is not what it was."""
    known = _generations(connection, made.tenant_id)
    live = next((each for each in known if each.live), None)
    beside = next((each for each in known if each.number == made.generation), None)
    if live is None or beside is None or not beside.in_the_making:
        raise OvertakenError
    return Standing(live, beside)


def hold_live(connection: Connection, tenant_id: int) -> int:
    """Keep the live generation from moving until the transaction ends; gives its position."""
    position = fetch_one(connection, SQL.hold_live, {"tenant_id": tenant_id}, int)
    if position is None:
        raise OvertakenError
    return position


def switch(connection: Connection, made: Scope) -> None:
    """Make the new generation the live one, in a transaction that holds the old one.

    Raises OvertakenError.
    """
    known = _generations(connection, made.tenant_id, lock=True)
    if not any(each.number == made.generation and each.in_the_making for each in known):
        raise OvertakenError
    for each in known:
        if each.live:
            connection.execute(SQL.retire.sql, _named(Scope(made.tenant_id, each.number)))
    connection.execute(SQL.make_live.sql, _named(made))


def discard(pool: Pool, made: Scope) -> None:
    """Retire a generation in the making."""
    with pool.connection() as connection, connection.transaction():
        standing(connection, made)
        connection.execute(SQL.retire.sql, _named(made))


def sweep(pool: Pool, tenant_id: int, stop: threading.Event) -> None:
    """Delete the rows of a tenant's retired generations in small batches, until `stop` is set.

    What was begun, also by another process, is finished by whoever comes next.
    """
    with pool.connection() as connection:
        for each in _generations(connection, tenant_id):
            if not each.retired:
                continue
            scope = Scope(tenant_id, each.number)
            for table in tables():
                _delete_rows(connection, table, scope, stop)
            if stop.is_set():
                return
            connection.execute(SQL.forget_generation.sql, scope._asdict())


# By the key: what was deleted before is not walked over again and again, as it would be with `limit`
# alone until the next vacuum.
_END_OF_BATCH = "select {key} from {table} where {of} and {behind} order by {key} offset %s limit 1"
_DELETE = "delete from {table} where {of} and {behind} and {up_to}"


def _delete_rows(connection: Connection, table: str, scope: Scope, stop: threading.Event) -> None:
    shape = table_shape(connection, table)
    key = shape.listed(shape.key)
    place = sql.SQL(", ").join([sql.Placeholder()] * len(shape.key))
    all_rows = sql.SQL("true")
    behind: sql.Composable = all_rows
    after: tuple[object, ...] = ()
    while not stop.is_set():
        named = {"key": key, "table": shape.name, "of": shape.of_generation(), "behind": behind}
        find_end = sql.SQL(_END_OF_BATCH).format(**named)
        end = connection.execute(find_end, [*scope, *after, _DELETED_AT_ONCE - 1]).fetchone()
        up_to = sql.SQL("({}) <= ({})").format(key, place) if end else all_rows
        delete = sql.SQL(_DELETE).format(**named, up_to=up_to)
        connection.execute(delete, [*scope, *after, *(end or ())])
        if end is None:
            return
        behind, after = sql.SQL("({}) > ({})").format(key, place), end


class TableShape(NamedTuple):
    """A read model's table: what tells the rows of one generation apart, and what they hold beside it."""

    table: str
    key: list[str]
    columns: list[str]
    generation_first: bool

    @property
    def name(self) -> sql.Identifier:
        """Its name, for a statement."""
        return sql.Identifier(self.table)

    def listed(self, columns: list[str], of: str | None = None) -> sql.Composed:
        """Write columns for a statement, with commas; `of` an alias of the table."""
        owner = [] if of is None else [of]
        return sql.SQL(", ").join([sql.Identifier(*owner, column) for column in columns])

    def of_generation(self) -> sql.SQL:
        """Choose the rows of one generation, given tenant and generation.

        Where the primary key has the generation last, `+ 0` keeps the planner to the primary key.
        """
        plain = "tenant_id = %s and generation = %s"
        by_key = "tenant_id = %s and generation + 0 = %s"
        return sql.SQL(plain) if self.generation_first else sql.SQL(by_key)


def table_shape(connection: Connection, table: str) -> TableShape:
    """Look a table up in the catalogue of the database, so that nothing is declared twice."""
    parameters = {"table": table}
    primary_key = fetch_all(connection, SQL.primary_key, parameters, str)
    columns = fetch_all(connection, SQL.columns, parameters, str)
    key = [name for name in primary_key if name not in _WHOSE]
    return TableShape(
        table,
        key,
        [name for name in columns if name not in _WHOSE and name not in key],
        primary_key.index("generation") < primary_key.index(key[0]),
    )


def _generations(connection: Connection, tenant_id: int, *, lock: bool = False) -> list[Generation]:
    statement = SQL.lock_generations if lock else SQL.generations
    return fetch_all(connection, statement, {"tenant_id": tenant_id}, Generation)


def _encoded(versions: Versions) -> str:
    return msgspec.json.encode(versions).decode()


def _named(scope: Scope) -> dict[str, object]:
    return {**scope._asdict(), "now": datetime.now(UTC)}
