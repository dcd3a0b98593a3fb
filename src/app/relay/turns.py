"""Whose turn it is: which subscriptions have something to send, and which process sends for each.

A projector claims a generation by a row lock that its transaction holds. What is sent here waits for
others, for minutes maybe, and a transaction that is open for so long would keep PostgreSQL from cleaning
up. So a claim is written into the row, and holds for some seconds unless it is renewed. Whoever lost it
can't move the position any more; what it still sends comes twice, with the same ids.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple

from domain.relaying import Kind
from postgres.changes import Changes
from postgres.connections import Connection, Pool
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Finding what is to be sent, claiming it, and keeping how far it is."""

    grown_logs: Statement
    subscribed_tenants: Statement
    due: Statement
    due_alone: Statement
    claim: Statement
    do_not_wait_for_the_disk: Statement
    advance: Statement
    release: Statement
    fail: Statement
    give_up: Statement


SQL = Sql(__file__)

# No log grows when a subscription is added, resumed or sent back, has rested, or was another's: the look at
# all finds it.
_SWEEP_S = 1.0
_LONGEST_REASON = 500


class LostError(Exception):
    """A subscription was paused, removed, sent elsewhere in the log, or taken over."""


class Due(NamedTuple):
    """A subscription with something to look at; one that takes its name later has another `created_at`."""

    tenant_id: int
    tenant: str
    name: str
    kind: Kind
    target: str
    events: list[str] | None
    created_at: datetime

    @property
    def key(self) -> tuple[int, str]:
        """What it is known by."""
        return self.tenant_id, self.name


class Claimed(NamedTuple):
    """Where to go on, and how often it failed since something was confirmed."""

    position: int
    failures: int


class Turns:
    """The turns of a process, which is called `sender` and sends to these kinds of targets."""

    def __init__(self, pool: Pool, sender: str, kinds: Sequence[Kind], *, lease_s: float) -> None:
        """Claim for `lease_s` seconds at a time, through `pool`."""
        self._pool = pool
        self._sender = sender
        self._kinds = list(kinds)
        self._lease_s = lease_s
        self._changes = Changes(SQL.grown_logs, SQL.subscribed_tenants, sweep_s=_SWEEP_S)

    def look(self, *, now_s: float) -> list[Due]:
        """List the subscriptions with something to send. For one thread. Raises psycopg.Error."""
        with self._pool.connection() as connection:
            return self._changes.find(
                connection,
                partial(self._due, connection),
                now_s=now_s,
                ask_one=partial(self._due_alone, connection),
            )

    def claim(self, due: Due) -> Claimed | None:
        """Claim a subscription; None where it is another's by now. Raises psycopg.Error."""
        with self._changing() as connection:
            asked = self._of(due, lease_s=self._lease_s)
            return fetch_one(connection, SQL.claim, asked, Claimed)

    def advance(self, due: Due, before: int, position: int, delivered: int) -> None:
        """Keep how far a subscription is, and the claim on it. Raises LostError, psycopg.Error."""
        asked = self._of(
            due, before=before, position=position, delivered=delivered, lease_s=self._lease_s
        )
        with self._changing() as connection:
            if fetch_one(connection, SQL.advance, asked, int) is None:
                raise LostError

    def release(self, due: Due) -> None:
        """Leave a subscription to whoever comes next. Raises psycopg.Error."""
        with self._changing() as connection:
            connection.execute(SQL.release.sql, self._of(due))

    def fail(self, due: Due, reason: str, pause_s: float) -> None:
        """Say that a target failed, and leave it alone for so long. Raises psycopg.Error."""
        with self._changing() as connection:
            asked = self._of(due, reason=_storable(reason), pause_s=pause_s)
            connection.execute(SQL.fail.sql, asked)

    def give_up(self, due: Due, reason: str) -> None:
        """Pause a subscription whose target wants nothing any more. Raises psycopg.Error."""
        with self._changing() as connection:
            connection.execute(SQL.give_up.sql, self._of(due, reason=_storable(reason)))

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(SQL.do_not_wait_for_the_disk.sql)
            yield connection

    def _due(self, connection: Connection, tenant_ids: list[int]) -> list[Due]:
        asked = {"tenant_ids": tenant_ids, "kinds": self._kinds, "sender": self._sender}
        return fetch_all(connection, SQL.due, asked, Due)

    def _due_alone(self, connection: Connection, tenant_id: int) -> list[Due]:
        asked = {"tenant_id": tenant_id, "kinds": self._kinds, "sender": self._sender}
        return fetch_all(connection, SQL.due_alone, asked, Due)

    def _of(self, due: Due, **others: object) -> dict[str, object]:
        return {
            "tenant_id": due.tenant_id,
            "name": due.name,
            "created_at": due.created_at,
            "sender": self._sender,
            **others,
        }


def _storable(reason: str) -> str:
    """Make one line of a reason, which may hold what a target answered: it is shown at terminals."""
    shown = (
        each if each.isprintable() or each.isspace() else "\N{REPLACEMENT CHARACTER}"
        for each in reason
    )
    return " ".join("".join(shown).split())[:_LONGEST_REASON]
