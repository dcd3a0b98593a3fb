"""Reading the live read models: a query sees one snapshot, and knows up to which position it goes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import asdict

from postgres.connections import Connection
from postgres.statements import statements
from projections.engine import tracking
from projections.entries import Scope

SQL = statements(__file__)

PAGE_BYTES = 4 * 1024 * 1024
"""How much a page of rows of any size holds at most, but for the one row that goes beyond."""

V = TypeVar("V")
K = TypeVar("K")

Amount = Annotated[
    str,
    Meta(
        pattern=r"^-?\d+(\.\d+)?$",
        description="An exact decimal in plain notation.",
        examples=["12.5"],
    ),
]
"""An amount as it leaves the read models."""


class Snapshot(NamedTuple):
    """One moment of a tenant's live read models, which show all events up to `position`."""

    connection: Connection
    scope: Scope
    position: int


class Rows(NamedTuple, Generic[V, K]):
    """Some rows in their order, and the place of the last one where more follow."""

    items: list[V]
    last_place: K | None


class NoGenerationError(LookupError):
    """A tenant has no live generation of read models."""


@contextmanager
def snapshot(pool: tracking.Pool, tenant_id: int) -> Iterator[Snapshot]:
    """Read within one read-only snapshot, which ends with the block.

    Raises NoGenerationError, and psycopg's or the pool's errors where the store is out of reach.
    """
    with pool.connection() as connection:
        connection.execute(SQL.begin_snapshot.sql)
        live = connection.execute(tracking.SQL.live.sql, {"tenant_id": tenant_id}).fetchone()
        if live is None:
            raise NoGenerationError(tenant_id)
        generation, position = live
        yield Snapshot(connection, Scope(tenant_id, generation), position)


def select(
    seen: Snapshot, statement: Any, filters: Struct | None = None, **others: object
) -> list[tuple[Any, ...]]:
    """Run a query's statement with its filters by name; those that are None don't filter.

    Never as a prepared statement: those end up with one plan for all combinations of filters, and
    `:x is null or …` only costs nothing where the plan is made for the values at hand.
    """
    parameters = {**seen.scope._asdict(), **(asdict(filters) if filters else {}), **others}
    return seen.connection.execute(statement.sql, parameters, prepare=False, binary=True).fetchall()


def rows(
    views: Sequence[V], limit: int, place: Callable[[V], K], *, selected: int | None = None
) -> Rows[V, K]:
    """Cut what was selected with a limit of `limit + 1` down to a page.

    `selected` tells how many there were, where those that made the page too large were left out.
    """
    items = list(views[:limit])
    more = (len(views) if selected is None else selected) > len(items)
    return Rows(items, place(items[-1]) if more else None)


def measured_rows(
    found: Sequence[tuple[Any, ...]], limit: int, view: Callable[..., V], place: Callable[[V], K]
) -> Rows[V, K]:
    """Make a page of what a statement that leaves out by PAGE_BYTES found: its last column is `selected`."""
    selected = found[-1][-1] if found else 0
    return rows([view(*row[:-1]) for row in found], limit, place, selected=selected)
