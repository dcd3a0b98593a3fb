"""The register of refused items: what was left out of batches for its faults, kept for 30 days.

It is no part of the log: nothing is made of it, it is bounded for each tenant, and what names a player goes
when the player is erased.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

import psycopg
import structlog
from anyio import to_thread
from msgspec import Meta, Raw, Struct, field, json

from app.wire.faults import Fault
from app.wire.forms import Dialect, LeftOut
from domain.ids import Id
from domain.json_values import fingerprint
from postgres.connections import Connection, Pool
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Registering what is refused, reading it, and letting go of it."""

    register_refused: Statement
    trim_refused: Statement
    forget_refused: Statement
    find_refused: Statement


SQL = Sql(__file__)

KEPT = timedelta(days=30)
"""How long an item is kept that is not sent again."""
MOST_ITEMS = 100_000
MOST_BYTES = 64 * 1024 * 1024
"""How much of one tenant is kept, the newest first. A process looks when it has added a hundredth of the
first or an eighth of the second."""
PAGE_BYTES = 4 * 1024 * 1024
"""How many bytes of data and faults a page gives, but for the one item that goes beyond."""

_HASH_BYTES = 16
_LOOKS_EVERY_S = 3600
_FAULTS = json.Decoder(list[Fault])


log = structlog.get_logger()


class Register:
    """Adds what is refused, and keeps the register within its bounds."""

    def __init__(self, pool: Pool) -> None:
        """Write through `pool`."""
        self._pool = pool
        self._items: Counter[int] = Counter()
        self._bytes: Counter[int] = Counter()

    def add(self, tenant_id: int, left_out: Sequence[LeftOut]) -> None:
        """Keep what was left out for its faults, durably. Raises as psycopg does."""
        rows = {_hash(each): each for each in left_out if each.faults}
        if not rows:
            return
        self._items[tenant_id] += len(rows)
        self._bytes[tenant_id] += sum(len(each.data) for each in rows.values())
        with self._pool.connection() as connection:
            register(connection, tenant_id, rows)
            if (
                self._items[tenant_id] >= MOST_ITEMS // 100
                or self._bytes[tenant_id] >= MOST_BYTES // 8
            ):
                del self._items[tenant_id], self._bytes[tenant_id]
                trim(connection, tenant_id)


def register(connection: Connection, tenant_id: int, rows: dict[bytes, LeftOut]) -> None:
    """Keep items by their hashes; of one that is there is noted that it came again. Raises psycopg.Error."""
    items = rows.values()
    parameters = {
        "tenant_id": tenant_id,
        "content_hashes": list(rows),
        "dialects": [each.dialect for each in items],
        "unique_ids": [each.unique_id for each in items],
        "events": [each.event for each in items],
        "player_ids": [json.encode(each.player_ids).decode() for each in items],
        "datas": [each.data or None for each in items],
        "faults": [json.encode(_own_faults(each)) for each in items],
    }
    connection.execute(SQL.register_refused.sql, parameters)


def trim(connection: Connection, tenant_id: int | None) -> None:
    """Let go of the oldest items of a tenant, or of each, beyond its bounds. Raises psycopg.Error."""
    bounds = {"most_items": MOST_ITEMS, "most_bytes": MOST_BYTES}
    connection.execute(SQL.trim_refused.sql, {"tenant_id": tenant_id, **bounds})


def forget_old(pool: Pool) -> None:
    """Let go of what is kept long enough, of all tenants. Raises as psycopg does."""
    with pool.connection() as connection:
        connection.execute(SQL.forget_refused.sql, {"kept_s": KEPT.total_seconds()})
        trim(connection, None)


async def forget_hourly(pool: Pool) -> None:
    """Do that every hour, until it is cancelled. What can't be done now is done later."""
    while True:
        try:
            await to_thread.run_sync(forget_old, pool)
        except psycopg.Error as error:
            log.info("refused items are not looked through now", error=str(error))
        await asyncio.sleep(_LOOKS_EVERY_S)


def _hash(item: LeftOut) -> bytes:
    """Hash what was sent: the same value is the same item, however it is spelled."""
    head = json.encode((item.dialect, item.event, item.unique_id, item.player_ids))
    # Of what holds no data to tell it by, there is one of each kind.
    faults = (each.code for each in item.faults)
    value = fingerprint(item.data) if item.data else ",".join(faults).encode()
    return blake2b(head + value, digest_size=_HASH_BYTES).digest()


def _own_faults(item: LeftOut) -> list[Fault]:
    """Return the faults with pointers below the item: where it stood is of no use any more."""
    cut = len(item.pointer)
    return [Fault(each.pointer[cut:], each.code, each.detail) for each in item.faults]


class RefusedFilters(Struct, frozen=True):
    """Which refused items; the times are about when one was first received."""

    unique_id: Id | None = None
    event: str | None = None
    player_id: Id | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class RefusedView(Struct, frozen=True):
    """An item that was left out for its faults. What it had none of, or none that is one, is null.

    `data` is as it was sent, null where there was none or it was too long, and each pointer of `errors` goes
    on from the item. `times` is how often the same was received, the last time at `last_received_at`.
    """

    received_at: datetime
    last_received_at: datetime
    times: int
    dialect: Dialect
    unique_id: str | None
    event: str | None
    player_id: str | None
    data: Raw
    errors: list[Fault]


RefusedPlace = tuple[
    datetime, Annotated[bytes, Meta(min_length=_HASH_BYTES, max_length=_HASH_BYTES)]
]
"""When an item was first received, and its hash: the order of the register, backwards."""


class RefusedPage(NamedTuple):
    """Some items, the last first, and the place after which to go on, None at the end."""

    items: list[RefusedView]
    last_place: RefusedPlace | None


def find_refused(
    connection: Connection,
    tenant_id: int,
    filters: RefusedFilters,
    after: RefusedPlace | None,
    limit: int,
) -> RefusedPage:
    """List refused items, the last first; fewer than `limit` where they are large."""
    after_at, after_hash = after or (None, None)
    parameters: dict[str, Any] = {
        "tenant_id": tenant_id,
        "unique_id": filters.unique_id,
        "event": filters.event,
        "player_id": filters.player_id,
        "at_or_after": filters.at_or_after,
        "before": filters.before,
        "kept_s": KEPT.total_seconds(),
        "after_at": after_at,
        "after_hash": after_hash,
        "limit": limit + 1,
        "limit_bytes": PAGE_BYTES,
    }
    # One plan for all combinations of filters would be a bad one.
    found = fetch_all(connection, SQL.find_refused, parameters, _Row, prepare=False, binary=True)
    shown = [row for row in found[:limit] if row.faults is not None]
    more = len(shown) < len(found)
    last = (shown[-1].received_at, shown[-1].content_hash) if more else None
    return RefusedPage([_view(row) for row in shown], last)


class _Row(NamedTuple):
    """A row; without its data and faults where they didn't fit into the page."""

    content_hash: bytes
    received_at: datetime
    last_received_at: datetime
    times: int
    dialect: Dialect
    unique_id: str | None
    event: str | None
    player_ids: list[str]
    data: bytes | None
    faults: bytes | None


def _view(row: _Row) -> RefusedView:
    return RefusedView(
        row.received_at,
        row.last_received_at,
        row.times,
        row.dialect,
        row.unique_id,
        row.event,
        row.player_ids[0] if row.player_ids else None,
        Raw(row.data or b"null"),
        _FAULTS.decode(row.faults or b"[]"),
    )
