"""The claim on signing for a tenant: one process signs at a time, and only for the log that goes on.

Whoever begins another log waits for the claim too, so that the note of it names what was signed last of the
one before, and nothing of that is signed ever after.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from app.evidence.guard import BusyError
from app.log.append import LogHead, locked_log
from app.log.leaves import Log, current_log
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Claiming."""

    begin_sealing: Statement
    claim: Statement
    wait_for_claim: Statement


SQL = Sql(__file__)


class SupersededError(Exception):
    """Another log of the tenant goes on: this one is signed no more."""


class Claim(NamedTuple):
    """What is said of a log by who claimed it before, and by an anchor that contradicts it."""

    failure: str | None
    finding: str | None


@contextmanager
def claimed(connection: Connection, log: Log) -> Iterator[Claim]:
    """Hold the claim on signing for a log, for one transaction. Not to be called in one.

    Raises BusyError where another process holds it, SupersededError.
    """
    tenant = {"tenant_id": log.tenant_id}
    connection.execute(SQL.begin_sealing.sql, tenant)
    with connection.transaction():
        claim = fetch_one(connection, SQL.claim, tenant, Claim)
        if claim is None:
            raise BusyError(f"another process signs for the log of tenant {log.tenant_id}")
        if current_log(connection, log.tenant_id) != log:
            raise SupersededError(
                f"another log of tenant {log.tenant_id} goes on: {log.log_id.hex()} is signed no more"
            )
        yield claim


@contextmanager
def claimed_to_follow(connection: Connection, tenant_id: int) -> Iterator[LogHead]:
    """Hold a tenant's log so that another one can follow it: nobody signs for it, or appends to it.

    Waits for who signs, and then for who appends, as ingest must not wait for a signature. Raises
    app.log.append.UnknownTenantError.
    """
    tenant = {"tenant_id": tenant_id}
    connection.execute(SQL.begin_sealing.sql, tenant)
    with connection.transaction():
        connection.execute(SQL.wait_for_claim.sql, tenant)
        with locked_log(connection, tenant_id) as head:
            yield head
