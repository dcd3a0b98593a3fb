"""How far a tenant's log is sealed, and what is wrong with its evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from app.evidence.sealer import failure_of
from app.evidence.store import newest_checkpoint
from app.log.leaves import current_log
from postgres.connections import Connection
from postgres.rows import fetch_one, fetch_pairs
from postgres.statements import Statement, Statements


class Sql(Statements):
    """What is said beside why nothing is signed, and what waits."""

    said: Statement
    unsealed_since: Statement
    set_rebuilt_anyway: Statement
    statuses: Statement


SQL = Sql(__file__)


class EvidenceFailure(Struct, frozen=True):
    """What is wrong, until people have looked at it, and since when; ingest goes on meanwhile."""

    reason: str
    since: datetime


class EvidenceStatus(Struct, frozen=True):
    """Up to which position the log is sealed and signed, and when that was; null if it never was.

    `failure` is null unless nothing is signed, `statement_failure` unless the heads of the log can't be
    stated, and `rebuilt_anyway` unless the read models were made of a log that was not what was sealed
    (`roundbook rebuild --anyway`), and not made again of one that was.
    """

    size: int
    sealed_at: datetime | None
    failure: EvidenceFailure | None
    statement_failure: EvidenceFailure | None = None
    rebuilt_anyway: EvidenceFailure | None = None


class _Said(NamedTuple):
    unstated: str | None
    unstated_at: datetime | None
    rebuilt_anyway: str | None
    rebuilt_anyway_at: datetime | None


def read_evidence_status(connection: Connection, tenant_id: int) -> EvidenceStatus:
    """Return how far a tenant's log is sealed, and what is wrong with its evidence."""
    log = current_log(connection, tenant_id)
    sealed = None if log is None else newest_checkpoint(connection, log, "log")
    found = failure_of(connection, tenant_id)
    said = fetch_one(connection, SQL.said, {"tenant_id": tenant_id}, _Said)
    return EvidenceStatus(
        0 if sealed is None else sealed.size,
        None if sealed is None else sealed.sealed_at,
        None if found is None else EvidenceFailure(found.failure, found.failed_at),
        None if said is None else _failure(said.unstated, said.unstated_at),
        None if said is None else _failure(said.rebuilt_anyway, said.rebuilt_anyway_at),
    )


def evidence_statuses(
    connection: Connection, tenant_ids: Sequence[int]
) -> dict[int, EvidenceStatus]:
    """Return the same of several tenants, in one query; those whose logs were never begun are left out."""
    parameters = {"tenant_ids": list(tenant_ids)}
    return dict(fetch_pairs(connection, SQL.statuses, parameters, "tenant_id", _status))


def unsealed_since(connection: Connection) -> datetime | None:
    """Return when the oldest event was recorded, of any log that goes on, that no checkpoint covers yet."""
    return fetch_one(connection, SQL.unsealed_since, None, datetime)


def say_rebuilt_anyway(connection: Connection, tenant_id: int, reason: str | None) -> None:
    """Say what was found of a log of which read models are made all the same, None of one that is sound."""
    at = None if reason is None else datetime.now(UTC)
    parameters = {"tenant_id": tenant_id, "reason": reason, "at": at}
    connection.execute(SQL.set_rebuilt_anyway.sql, parameters)


def _status(  # noqa: PLR0917  # the columns of a row
    size: int,
    sealed_at: datetime | None,
    failure: str | None,
    failed_at: datetime | None,
    unstated: str | None,
    unstated_at: datetime | None,
    rebuilt_anyway: str | None,
    rebuilt_anyway_at: datetime | None,
) -> EvidenceStatus:
    return EvidenceStatus(
        size,
        sealed_at,
        _failure(failure, failed_at),
        _failure(unstated, unstated_at),
        _failure(rebuilt_anyway, rebuilt_anyway_at),
    )


def _failure(reason: str | None, since: datetime | None) -> EvidenceFailure | None:
    return None if reason is None or since is None else EvidenceFailure(reason, since)
