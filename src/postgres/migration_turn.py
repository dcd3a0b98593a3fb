"""Whose turn it is to migrate: one at a time, none without an end, and none that the service waits for long.

The lock belongs to a transaction, so it ends with that, whatever becomes of the process: PostgreSQL ends a
transaction whose process fell silent. What a step changes needs locks too, for which others would queue: they
are waited for only a moment, then the step is undone, those who wait pass, and it is tried again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import psycopg

from postgres.connections import Connection
from postgres.pooling import require_session
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements

WAIT_S = 180.0
"""How long others are waited for: longer than a transaction lives whose process fell silent."""

_LOCK_TIMEOUT = "1s"
_PAUSE_S = 1.0
_NUMBER = {"number": 0x526F756E64626F6F}

_Result = TypeVar("_Result")


class Sql(Statements):
    """Taking turns, and telling whose it is."""

    begin_turn: Statement
    lock_turn: Statement
    try_turn: Statement
    stay: Statement
    whose_turn: Statement
    oldest_in_the_way: Statement


SQL = Sql(__file__)


class MigrationBusyError(Exception):
    """Another session migrates, or uses what is to be changed, and was waited for in vain."""


class _Session(NamedTuple):
    pid: int
    role: str | None
    application: str | None
    since: datetime | None

    def __str__(self) -> str:
        since = f", since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"session {self.pid} (role {self.role!r}, application {self.application!r}{since})"


def in_turn(
    owner: Connection, act: Callable[[], _Result], *, wait_s: float, say: Callable[[str], None]
) -> _Result:
    """Return what `act` gives, in a transaction of `owner` beside which nobody else migrates.

    It may be begun several times; what it did before is undone then. Who is waited for is told to `say`.
    Raises MigrationBusyError after `wait_s`, psycopg.Error, and what `act` raises.
    """
    deadline = time.monotonic() + wait_s
    told = ""
    while True:
        try:
            with owner.transaction():
                owner.execute(SQL.begin_turn.sql, {"lock_timeout": _LOCK_TIMEOUT})
                owner.execute(SQL.lock_turn.sql, _NUMBER)
                return act()
        except psycopg.errors.LockNotAvailable:
            who = _who(owner)
        if time.monotonic() >= deadline:
            raise MigrationBusyError(f"the schema can't be migrated: {who}")
        if who != told:
            say(f"waiting to migrate the schema: {who}")
            told = who
        time.sleep(_PAUSE_S)


@contextmanager
def no_migration(owner: Connection) -> Iterator[None]:
    """Keep everybody from migrating the database of a session, in one transaction, until the block ends.

    Raises MigrationBusyError where somebody does, postgres.pooling.PoolerError, psycopg.Error.
    """
    require_session(owner, "restoring")
    with owner.transaction():
        owner.execute(SQL.stay.sql, {"application_name": "roundbook restore"})
        if not fetch_one(owner, SQL.try_turn, _NUMBER, bool):
            raise MigrationBusyError(f"nothing was done: {_who(owner)}")
        yield


def _who(owner: Connection) -> str:
    migrates = fetch_one(owner, SQL.whose_turn, _NUMBER, _Session)
    if migrates is not None:
        return f"{migrates} migrates or restores it. {_remedy(migrates)}"
    uses = fetch_one(owner, SQL.oldest_in_the_way, None, _Session)
    if uses is not None:
        return f"others use its tables, longest {uses}. {_remedy(uses)}"
    return "others used its tables until now"


def _remedy(session: _Session) -> str:
    return f"If it stands still, end it by `select pg_terminate_backend({session.pid})`"
