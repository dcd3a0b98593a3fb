"""Whether a database is looked after: what keeps WAL and dead rows, and what is never cleaned up."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postgres.connections import Connection
from postgres.doctor.findings import Finding, duration, size
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements

_KEPT_WRONG_BYTES = 10 * 1024**3
_LONG_S = 600.0
_VERY_LONG_S = 86_400.0
_IDLE_S = 60.0  # as long as the service's own sessions may
_AGE_WARNING = 1_000_000_000
_AGE_WRONG = 1_800_000_000


class Sql(Statements):
    """Asking what is kept, and since when."""

    slots: Statement
    transactions: Statement
    unseen_sessions: Statement
    prepared: Statement
    ages: Statement
    not_vacuumed: Statement
    is_vacuumed: Statement


SQL = Sql(__file__)


class Slot(NamedTuple):
    """A replication slot and how much of the WAL it keeps."""

    name: str
    is_active: bool
    status: str
    bytes: int | None


class Transaction(NamedTuple):
    """An open transaction of another session."""

    pid: int
    role: str
    state: str
    open_s: float
    in_state_s: float
    xids: int | None


class _Aged(NamedTuple):
    name: str
    xids: int


class _Prepared(NamedTuple):
    name: str
    open_s: float


def upkeep(connections: Sequence[Connection]) -> Iterator[Finding]:
    """Check what a server keeps for others. Of sessions each role sees its own: so all of them are asked.

    Raises psycopg.Error.
    """
    one = connections[0]
    yield from slots(fetch_all(one, SQL.slots, None, Slot))
    found = {
        each.pid: each
        for connection in connections
        for each in fetch_all(connection, SQL.transactions, None, Transaction)
        if each.pid not in {connection.info.backend_pid for connection in connections}
    }
    unseen = min(fetch_one(each, SQL.unseen_sessions, None, int) or 0 for each in connections)
    yield from transactions(list(found.values()), unseen)
    yield _prepared(fetch_all(one, SQL.prepared, None, _Prepared))
    ages = fetch_all(one, SQL.ages, None, _Aged)
    yield wraparound(ages[0].name, ages[0].xids)
    yield _autovacuum(one)


def slots(found: Sequence[Slot]) -> Iterator[Finding]:
    """Judge replication slots: one that nobody reads keeps WAL until the disk is full."""
    for slot in found:
        kept = "an amount that can't be told" if slot.bytes is None else size(slot.bytes)
        state = "is in use" if slot.is_active else "is read by nobody"
        what = f"the slot {slot.name} {state} and keeps {kept} of WAL"
        remedy = f"start who reads it, or drop it: `select pg_drop_replication_slot('{slot.name}')`"
        if (slot.bytes or 0) > _KEPT_WRONG_BYTES:
            yield Finding("replication slots", "wrong", what, remedy)
        elif slot.status in {"unreserved", "lost"}:
            lost = f"{what}; what it needs is {slot.status}"
            yield Finding("replication slots", "warning", lost, remedy)
        elif not slot.is_active:
            yield Finding("replication slots", "warning", what, remedy)
        else:
            yield Finding("replication slots", "ok", what)
    if not found:
        yield Finding("replication slots", "ok", "there are none")


def transactions(found: Sequence[Transaction], unseen: int) -> Iterator[Finding]:
    """Judge open transactions: one keeps dead rows in all tables, and its locks.

    `unseen` is how many sessions can't be looked into.
    """
    judged = [finding for each in found if (finding := _transaction(each)) is not None]
    yield from judged
    if not judged:
        beside = (
            f"; {unseen} sessions of other roles can't be seen into (pg_read_all_stats would let)"
            if unseen
            else ""
        )
        yield Finding("transactions", "ok", f"none is open for long{beside}")


def _transaction(each: Transaction) -> Finding | None:
    kept = f", {each.xids} transactions old" if each.xids else ""
    what = f"session {each.pid} of {each.role} has one open for {duration(each.open_s)}{kept} ({each.state})"
    remedy = f"end what it belongs to, or the session: `select pg_terminate_backend({each.pid})`"
    if each.open_s > _VERY_LONG_S:
        return Finding("transactions", "wrong", what, remedy)
    idle = each.state.startswith("idle in transaction") and each.in_state_s > _IDLE_S
    if idle or each.open_s > _LONG_S:
        return Finding("transactions", "warning", what, remedy)
    return None


def _prepared(found: Sequence[_Prepared]) -> Finding:
    old = [each for each in found if each.open_s > _LONG_S]
    if old:
        listed = ", ".join(f"{each.name!r} since {duration(each.open_s)}" for each in old)
        remedy = "Roundbook makes none: `commit prepared` or `rollback prepared`, as whoever made them would"
        return Finding("prepared transactions", "warning", listed, remedy)
    return Finding("prepared transactions", "ok", "none is open for long")


def wraparound(database: str, xids: int) -> Finding:
    """Judge the age of the oldest row of a server, in transactions."""
    what = (
        f"the oldest row, in the database {database}, is {xids:,} transactions old, of 2 billions"
    )
    remedy = (
        f"see what keeps autovacuum from it (old transactions, slots), then `vacuum freeze` in {database}:"
        " at 2 billions the server takes no writes"
    )
    if xids > _AGE_WRONG:
        return Finding("wraparound", "wrong", what, remedy)
    if xids > _AGE_WARNING:
        return Finding("wraparound", "warning", what, remedy)
    return Finding("wraparound", "ok", what)


def _autovacuum(connection: Connection) -> Finding:
    if not fetch_one(connection, SQL.is_vacuumed, None, bool):
        remedy = "set autovacuum = on for the server, and reload it"
        return Finding("autovacuum", "wrong", "it is off: tables grow and plans go wrong", remedy)
    off = fetch_all(connection, SQL.not_vacuumed, None, str)
    if off:
        remedy = "`alter table roundbook.… reset (autovacuum_enabled)`, as the owner"
        return Finding("autovacuum", "warning", f"it is off for {', '.join(off)}", remedy)
    return Finding("autovacuum", "ok", "it is on")
