"""The log of accesses: who was let in with the scope `audit`, and what they asked for.

An access is recorded, durably, before it is answered: what can't be recorded is not answered. It is a log of
its own, with numbers and a lock of its own, so that nobody who reads waits for those who write.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from anyio import CapacityLimiter, to_thread
from msgspec import Struct, field

from domain.evidence.accesses import Access, leaf_hashes
from domain.ids import KeyId
from postgres.binary import micros
from postgres.connections import Connection, Pool
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Recording accesses, and reading them."""

    record_accesses: Statement
    find_accesses: Statement
    accesses_between: Statement


SQL = Sql(__file__)

PAGE_BYTES = 4 * 1024 * 1024
"""How many bytes of paths and queries a page gives, but for the one access that goes beyond."""

_MOST_AT_ONCE = 500
_ABOVE_ALL = 2**63 - 1


class NewAccess(NamedTuple):
    """A request that is let in: by which key, and what it asks for, as it was sent."""

    key_id: int
    method: str
    path: str
    query: str
    last_event_id: str


class AccessFilters(Struct, frozen=True):
    """Which accesses; `from` is inclusive, `to` exclusive."""

    key_id: KeyId | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class AccessView(Struct, frozen=True):
    """An access: when, by which key, and what it asked for, as it was sent.

    `last_event_id` is the header Last-Event-ID, empty where there was none.
    """

    number: int
    accessed_at: datetime
    key_id: int
    method: str
    path: str
    query: str
    last_event_id: str


class AccessPage(NamedTuple):
    """Some accesses, newest first, and the number below which to go on, None at the end."""

    items: list[AccessView]
    last_number: int | None


class AccessLog:
    """Records accesses: those of one tenant that come while others are on their way share a commit.

    For one event loop.
    """

    def __init__(self, pool: Pool, *, threads: int) -> None:
        """Record through `pool`, for `threads` tenants at once."""
        self._pool = pool
        self._threads = CapacityLimiter(threads)
        self._waiting: dict[int, list[tuple[NewAccess, asyncio.Future[None]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def record(self, tenant_id: int, access: NewAccess) -> None:
        """Record an access, durably.

        Raises one of `postgres.errors.UNAVAILABLE` if the store did not confirm it: it may be recorded.
        """
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(tenant_id)
        if waiting is None:
            waiting = self._waiting[tenant_id] = []
            task = asyncio.create_task(self._drain(tenant_id, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.append((access, recorded))
        await recorded

    async def _drain(
        self, tenant_id: int, waiting: list[tuple[NewAccess, asyncio.Future[None]]]
    ) -> None:
        try:
            while waiting:
                group, waiting[:] = waiting[:_MOST_AT_ONCE], waiting[_MOST_AT_ONCE:]
                accesses = [access for access, _ in group]
                error: Exception | None = None
                try:
                    await to_thread.run_sync(
                        self._record, tenant_id, accesses, limiter=self._threads
                    )
                except Exception as raised:  # noqa: BLE001  # each request reports it as its own
                    error = raised
                for _, recorded in group:
                    if recorded.done():  # its client went away
                        continue
                    if error is None:
                        recorded.set_result(None)
                    else:
                        recorded.set_exception(error)
        finally:
            del self._waiting[tenant_id]
            for _, recorded in waiting:
                recorded.cancel()

    def _record(self, tenant_id: int, accesses: Sequence[NewAccess]) -> None:
        with self._pool.connection() as connection:
            record_accesses(connection, tenant_id, accesses)


def record_accesses(connection: Connection, tenant_id: int, accesses: Sequence[NewAccess]) -> None:
    """Record accesses of one moment, in the order given, with the next numbers.

    Raises psycopg.Error; then none is recorded, or the store did not confirm it.
    """
    key_ids, methods, paths, queries, last_event_ids = map(list, zip(*accesses, strict=True))
    row = {
        "tenant_id": tenant_id,
        "key_ids": key_ids,
        "methods": methods,
        "paths": paths,
        "queries": queries,
        "last_event_ids": last_event_ids,
    }
    connection.execute(SQL.record_accesses.sql, row)


def find_accesses(
    connection: Connection, tenant_id: int, filters: AccessFilters, below: int | None, limit: int
) -> AccessPage:
    """List accesses with numbers below `below`, newest first; fewer than `limit` where they are long."""
    found = fetch_all(
        connection,
        SQL.find_accesses,
        {
            "tenant_id": tenant_id,
            "key_id": filters.key_id,
            "at_or_after": filters.at_or_after,
            "before": filters.before,
            "below": _ABOVE_ALL if below is None else below,
            "limit": limit + 1,
            "limit_bytes": PAGE_BYTES,
        },
        _view,
        prepare=False,  # one plan for all combinations of filters would be a bad one
        binary=True,
    )
    shown = [view for view in found[:limit] if view is not None]
    return AccessPage(shown, shown[-1].number if len(shown) < len(found) else None)


def _view(  # noqa: PLR0917  # the columns, by name
    number: int,
    accessed_at: datetime,
    key_id: int,
    method: str,
    path: str,
    query: str | None,
    last_event_id: str,
) -> AccessView | None:
    """Show a row, None for one that did not fit into the page."""
    if query is None:
        return None
    return AccessView(number, accessed_at, key_id, method, path, query, last_event_id)


def hash_accesses(
    connection: Connection, tenant_id: int, log_id: bytes, first: int, last: int
) -> bytes:
    """Return the hashes of the leaves of accesses by their numbers, both included, one after the other.

    They end where one is missing.
    """
    parameters = {"tenant_id": tenant_id, "first": first, "last": last}
    found = fetch_all(connection, SQL.accesses_between, parameters, AccessView)
    return leaf_hashes(
        log_id,
        (
            Access(
                each.number,
                micros(each.accessed_at),
                each.key_id,
                *(each.method, each.path, each.query, each.last_event_id),
            )
            for number, each in enumerate(found, start=first)
            if each.number == number
        ),
    )
