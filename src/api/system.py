"""How all tenants are at a moment: what those who run the service look at, whichever way they ask."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct, structs

from api.failures import without_values
from app.evidence.status import EvidenceFailure, EvidenceStatus, evidence_statuses
from app.limits.limits import WHOLE_TENANT, Limit, limits_of_tenants
from app.log.append import heads
from app.tenants import Tenant
from postgres.connections import Connection
from projections.status import FailureView, Progress, RebuildStatus, progress_of

Trouble = Literal["failed", "rebuild_failed", "not_signed", "not_stated", "rebuilt_anyway", "late"]
"""What somebody must look at."""

_LATE_S = 5.0
_NOT_SEALED = EvidenceStatus(0, None, failure=None)


class LimitView(Struct, frozen=True):
    """How much a key, or all keys of the tenant together, may send and ask; null is not limited.

    What is not used is saved up for `burst_s` seconds.
    """

    key_id: int | None
    requests_per_s: int | None
    items_per_s: int | None
    bytes_per_s: int | None
    burst_s: int


class TenantStatus(Struct, frozen=True):
    """How a tenant is at a moment, and nothing of what is in its log.

    `log_position` counts its events: two answers and their `read_at` tell how many come in a second.
    """

    name: str
    created_at: datetime
    closed_at: datetime | None
    read_at: datetime
    troubles: list[Trouble]
    log_position: int
    lag_events: int
    lag_seconds: float
    failure: FailureView | None
    rebuild: RebuildStatus | None
    evidence: EvidenceStatus
    limits: list[LimitView]


def tenant_statuses(connection: Connection, tenants: Sequence[Tenant]) -> list[TenantStatus]:
    """Look at these tenants, in their order, in a few queries however many they are.

    One that was removed meanwhile is left out. Raises psycopg.Error.
    """
    ids = [tenant.tenant_id for tenant in tenants]
    # What is shown and sealed comes before how far the logs are: it can't be ahead of them.
    progress = progress_of(connection, ids)
    evidence = evidence_statuses(connection, ids)
    limits = limits_of_tenants(connection, ids)
    positions = heads(connection, ids)
    now = datetime.now(UTC)
    return [
        _status(
            tenant,
            progress[tenant.tenant_id],
            evidence.get(tenant.tenant_id, _NOT_SEALED),
            limits.get(tenant.tenant_id, []),
            position=positions.get(tenant.tenant_id, 0),
            now=now,
        )
        for tenant in tenants
        if tenant.tenant_id in progress
    ]


def _status(
    tenant: Tenant,
    progress: Progress,
    evidence: EvidenceStatus,
    limits: Sequence[Limit],
    *,
    position: int,
    now: datetime,
) -> TenantStatus:
    lag_s = progress.lag_s(now)
    return TenantStatus(
        name=tenant.name,
        created_at=tenant.created_at,
        closed_at=tenant.closed_at,
        read_at=now,
        troubles=_troubles(progress, evidence, lag_s),
        log_position=position,
        lag_events=max(0, position - progress.position),
        lag_seconds=lag_s,
        failure=_told(progress.failure),
        rebuild=progress.rebuild
        and RebuildStatus(progress.rebuild.position, _told(progress.rebuild.failure)),
        evidence=_told_of_evidence(evidence, tenant),
        limits=[
            LimitView(
                None if limit.key_id == WHOLE_TENANT else limit.key_id,
                limit.requests_per_s,
                limit.items_per_s,
                limit.bytes_per_s,
                limit.burst_s,
            )
            for limit in limits
        ],
    )


def _troubles(progress: Progress, evidence: EvidenceStatus, lag_s: float) -> list[Trouble]:
    holds: dict[Trouble, bool] = {
        "failed": progress.failure is not None,
        "rebuild_failed": progress.rebuild is not None and progress.rebuild.failure is not None,
        "not_signed": evidence.failure is not None,
        "not_stated": evidence.statement_failure is not None,
        "rebuilt_anyway": evidence.rebuilt_anyway is not None,
        "late": lag_s > _LATE_S,
    }
    return [name for name, is_so in holds.items() if is_so]


def _told(failure: FailureView | None) -> FailureView | None:
    return failure and structs.replace(failure, reason=without_values(failure.reason))


def _told_of_evidence(evidence: EvidenceStatus, tenant: Tenant) -> EvidenceStatus:
    def told(failure: EvidenceFailure | None) -> EvidenceFailure | None:
        return failure and structs.replace(failure, reason=without_values(failure.reason))

    found = f"the log is not what was sealed: `roundbook verify {tenant.name}` says more"
    return structs.replace(
        evidence,
        failure=told(evidence.failure),
        statement_failure=told(evidence.statement_failure),
        # Which may name streams.
        rebuilt_anyway=evidence.rebuilt_anyway
        and structs.replace(evidence.rebuilt_anyway, reason=found),
    )
