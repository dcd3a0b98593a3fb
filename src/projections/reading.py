"""Reading the live read models: a query sees one snapshot, and knows up to which position it goes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import asdict

from projections import tracking
from projections.entries import Scope
from projections.statements import Connection, statements

SQL = statements(__file__)

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


def rows(views: Sequence[V], limit: int, place: Callable[[V], K]) -> Rows[V, K]:
    """Cut what was selected with a limit of `limit + 1` down to a page."""
    items = list(views[:limit])
    return Rows(items, place(items[-1]) if len(views) > limit else None)
