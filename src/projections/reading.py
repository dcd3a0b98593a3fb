"""Reading the live read models: a query sees one snapshot, and knows up to which position it goes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import asdict

from domain.decoding import decode
from domain.events import Event
from domain.gaming_day import UTC_DAYS, GamingDays
from domain.ids import event_key
from postgres.connections import Connection
from postgres.pooling import begin
from postgres.rows import fetch_all, fetch_pairs
from postgres.statements import Statement, Statements
from projections import tracking
from projections.entries import Scope


class Sql(Statements):
    """Beginning to read, and what read models look up in the log."""

    begin_snapshot: Statement
    events_at: Statement
    events_by_key: Statement
    positions_by_key: Statement


SQL = Sql(__file__)

PAGE_BYTES = 4 * 1024 * 1024
"""How much a page of rows of any size holds at most, but for the one row that goes beyond."""

R = TypeVar("R")
V = TypeVar("V")
K = TypeVar("K")

AMOUNT_PATTERN = r"^-?\d+(\.\d+)?$"

Amount = Annotated[
    str,
    Meta(
        pattern=AMOUNT_PATTERN,
        description="An exact decimal in plain notation.",
        examples=["12.5"],
    ),
]
"""An amount as it leaves the read models."""


class Snapshot(NamedTuple):
    """One moment of a tenant's live read models, which show all events up to `position`, by which days."""

    connection: Connection
    scope: Scope
    position: int
    days: GamingDays = UTC_DAYS


class Rows(NamedTuple, Generic[V, K]):
    """Some rows in their order, and the place of the last one where more follow."""

    items: list[V]
    last_place: K | None


class NoGenerationError(LookupError):
    """A tenant has no live generation of read models."""


def begin_snapshot(connection: Connection) -> None:
    """Begin a read-only transaction that sees one moment throughout: that of its first statement."""
    begin(connection, SQL.begin_snapshot.sql)


@contextmanager
def snapshot(pool: tracking.Pool, tenant_id: int) -> Iterator[Snapshot]:
    """Read within one read-only snapshot, which ends with the block.

    Raises NoGenerationError, and psycopg's or the pool's errors where the store is out of reach.
    """
    with pool.connection() as connection:
        yield see(connection, tenant_id)


def see(connection: Connection, tenant_id: int) -> Snapshot:
    """Begin to read within one read-only snapshot, which the caller ends with the transaction.

    Raises NoGenerationError, and psycopg's errors.
    """
    begin_snapshot(connection)
    live = tracking.live(connection, tenant_id)
    if live is None:
        raise NoGenerationError(tenant_id)
    scope = Scope(tenant_id, live.generation)
    return Snapshot(connection, scope, live.position, live.days)


def read_events(seen: Snapshot, positions: Sequence[int]) -> list[tuple[int, Event]]:
    """Read the events at some positions of the log, in any order: the read models' door to it.

    Of one that was erased since there is left what domain.events.decode says.

    Raises domain.events.UnknownTopicError, and msgspec's errors for a state that can't be read.
    """
    parameters = {"tenant_id": seen.scope.tenant_id, "positions": positions}
    return fetch_pairs(seen.connection, SQL.events_at, parameters, "position", _event, binary=True)


def find_events(
    connection: Connection, tenant_id: int, unique_ids: Iterable[str], up_to: int
) -> dict[str, Event]:
    """Find the events of these unique_ids up to a position of the log, as `read_events` reads them.

    Raises what that does.
    """
    ids = {event_key(unique_id): unique_id for unique_id in unique_ids}
    parameters = {"tenant_id": tenant_id, "keys": list(ids), "up_to": up_to}
    found = fetch_pairs(connection, SQL.events_by_key, parameters, "key", _event, binary=True)
    return {ids[bytes(key)]: event for key, event in found}


def find_positions(
    connection: Connection, tenant_id: int, unique_ids: Iterable[str]
) -> dict[str, int]:
    """Find where the events of these unique_ids stand in the log."""
    ids = {event_key(unique_id): unique_id for unique_id in unique_ids}
    parameters = {"tenant_id": tenant_id, "keys": list(ids)}
    found = fetch_pairs(connection, SQL.positions_by_key, parameters, "key", int, binary=True)
    return {ids[bytes(key)]: position for key, position in found}


def _event(topic: str, stream: str, state: bytes) -> Event:
    return decode(topic, state, stream)


def select(
    seen: Snapshot,
    statement: Statement,
    kind: Callable[..., R],
    filters: Struct | None = None,
    **others: object,
) -> list[R]:
    """Run a query's statement with its filters by name; those that are None don't filter.

    Its rows are bound by name to `kind` (see postgres.rows).

    Never as a prepared statement: those end up with one plan for all combinations of filters, and
    `:x is null or …` only costs nothing where the plan is made for the values at hand.
    """
    parameters = _parameters(seen, filters, others)
    return fetch_all(seen.connection, statement, parameters, kind, prepare=False, binary=True)


def select_pairs(
    seen: Snapshot,
    statement: Statement,
    key: str | tuple[str, ...],
    kind: Callable[..., R],
    filters: Struct | None = None,
    **others: object,
) -> list[tuple[Any, R]]:
    """Run a query's statement as `select` does, with the columns of `key` apart from the rest of each row."""
    parameters = _parameters(seen, filters, others)
    return fetch_pairs(
        seen.connection, statement, parameters, key, kind, prepare=False, binary=True
    )


def _parameters(
    seen: Snapshot, filters: Struct | None, others: dict[str, object]
) -> dict[str, object]:
    return {**seen.scope._asdict(), **(asdict(filters) if filters else {}), **others}


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
    found: Sequence[tuple[int, V]], limit: int, place: Callable[[V], K]
) -> Rows[V, K]:
    """Make a page of what a statement that leaves out by PAGE_BYTES found, each beside its `selected`."""
    selected = found[-1][0] if found else 0
    return rows([view for _, view in found], limit, place, selected=selected)
