"""Sending batches below HTTP, and looking at what the log then holds."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import asdict

from app.recording import Receipt, record
from app.tenants import Tenant
from app.wire.items import decode_batch
from postgres.connections import Pool
from tests.strategies import NOW, WireItem, body


def decoded(tenant: Tenant, batch: Sequence[WireItem]) -> list[Any]:
    """Read a batch as the service does."""
    return decode_batch(body(batch), currencies=tenant.allowed_currencies(), now=NOW)


def send(pool: Pool, tenant: Tenant, batch: Sequence[WireItem]) -> Receipt:
    """Read and record a batch."""
    return record(pool, tenant.tenant_id, decoded(tenant, batch))


def as_dict(receipt: Receipt) -> dict[str, Any]:
    """Give a receipt as the model has them, which knows nothing of evidence: only what is stored has some."""
    items = [asdict(item) for item in receipt.items]
    for item in items:
        has_hash = item.pop("leaf_hash") is not UNSET
        assert has_hash == (item["outcome"] == "stored")
        assert item.pop("salt") is UNSET or has_hash
    return {**asdict(receipt), "items": items}


class Stored(NamedTuple):
    """A row of the log."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes


def stored_events(pool: Pool, tenant: Tenant) -> list[Stored]:
    """List a tenant's log."""
    with pool.connection() as connection:
        rows = connection.execute(
            "select position, stream, version, topic, state from events"
            " where tenant_id = %s order by position",
            [tenant.tenant_id],
        )
        return [Stored(*row) for row in rows]


def login(unique_id: str, player_id: str = "p", **more: str) -> WireItem:
    """Write the smallest item there is. `more` are names and JSON texts."""
    members = {
        "unique_id": f'"{unique_id}"',
        "timestamp": '"2025-06-15T12:00:00Z"',
        "player_id": f'"{player_id}"',
        **more,
    }
    text = ",".join(f'"{name}":{value}' for name, value in members.items())
    return WireItem("login", f"{{{text}}}")


def logins(unique_ids: Iterable[str], player_id: str = "p") -> list[WireItem]:
    """Write a batch of the smallest items."""
    return [login(unique_id, player_id) for unique_id in unique_ids]


def assert_gapless(log: Sequence[Stored]) -> None:
    """Fail unless positions are 1, 2, 3, … and so are the versions of each stream."""
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    versions: dict[str, int] = {}
    for event in log:
        versions[event.stream] = versions.get(event.stream, 0) + 1
        assert event.version == versions[event.stream]
