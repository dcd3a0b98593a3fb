"""Simulated traffic, recorded below HTTP."""

from collections.abc import Iterable
from datetime import UTC, datetime

from app.log.heads import StreamHeads
from app.recording import commit, prepare
from app.tenants import Tenant
from app.wire.items import decode_batch
from postgres.connections import Pool
from tests.model import Model

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def record_bodies(pool: Pool, tenant: Tenant, model: Model, bodies: Iterable[bytes]) -> None:
    """Record request bodies one after the other, as one process of the service does, and tell the model."""
    heads = StreamHeads()
    for body in bodies:
        items = decode_batch(body, currencies=tenant.allowed_currencies(), now=NOW)
        commit(pool, tenant.tenant_id, prepare(items), heads)
        model.ingest_body(body)
