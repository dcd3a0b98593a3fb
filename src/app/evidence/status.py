"""How far a tenant's log is sealed, and why it is no further."""

from datetime import datetime

from msgspec import Struct

from app.evidence.sealer import failure_of
from app.evidence.store import newest_checkpoint
from app.log.leaves import current_log
from postgres.connections import Connection


class EvidenceFailure(Struct, frozen=True):
    """Why nothing is signed for the log until people have looked at it; ingest goes on meanwhile."""

    reason: str
    since: datetime


class EvidenceStatus(Struct, frozen=True):
    """Up to which position the log is sealed and signed, and when that was; null if it never was.

    `failure` is null unless nothing is signed.
    """

    size: int
    sealed_at: datetime | None
    failure: EvidenceFailure | None


def read_evidence_status(connection: Connection, tenant_id: int) -> EvidenceStatus:
    """Return how far a tenant's log is sealed."""
    log = current_log(connection, tenant_id)
    sealed = None if log is None else newest_checkpoint(connection, log, "log")
    found = failure_of(connection, tenant_id)
    failure = None if found is None else EvidenceFailure(found.failure, found.failed_at)
    if sealed is None:
        return EvidenceStatus(0, None, failure)
    return EvidenceStatus(sealed.size, sealed.sealed_at, failure)
