"""A worker of the service with something left out, to see what that part costs. Never for real use.

python -m bench.worker MODE DESCRIPTOR
"""

import importlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from api.process import worker
from app.intake import decoding
from app.intake import group_commit as group
from app.log.append import LogHead
from app.log.rows import copy_data, encode_item
from app.log.statements import SQL
from app.recording import Prepared, Recorded
from app.tenants import Tenant
from app.wire.forms import Form
from app.wire.items import MAX_EVENT_BYTES, decode_batch
from domain.ids import event_key
from postgres.binary import micros
from postgres.connections import Connection

AS_IT_IS = "as-it-is"
NO_GROUPS = "no-groups"
NO_STORE = "no-store"
NO_EVIDENCE = "no-evidence"


async def _acknowledge(self: group.GroupCommit, tenant_id: int, batch: Prepared) -> Recorded:
    """Say that everything is stored, and store nothing."""
    del self, tenant_id
    items = len(batch.keys)
    hashes = bytes(32 * items)
    ids = batch.unique_ids
    return Recorded(ids, ["stored"] * items, [1] * items, bytes(16), 1, batch.salts, hashes)


def _decode(
    body: bytes,
    tenant: Tenant,
    max_event_bytes: int = MAX_EVENT_BYTES,
    *,
    common_only: bool = False,
) -> Prepared:
    """Read and prepare a batch, with nothing that commits to its items."""
    items = decode_batch(
        body,
        currencies=tenant.allowed_currencies(),
        now=datetime.now(UTC),
        max_event_bytes=max_event_bytes,
        common_only=common_only,
    )
    keys = [event_key(item.unique_id) for item in items]
    nothing = [b""] * len(items)
    return Prepared(
        [item.unique_id for item in items],
        [item.topic for item in items],
        [item.stream for item in items],
        keys,
        [
            encode_item(item.stream, item.topic, key, micros(item.occurred_at), b"", item.state)
            for key, item in zip(keys, items, strict=True)
        ],
        nothing,
        nothing,
    )


def _decode_beside(
    parts: list[bytes], tenant: Tenant, max_event_bytes: int, form: Form
) -> decoding.Decoded | Exception | None:
    """Do the same in the process beside the worker, of batches in the plain form."""
    del form
    try:
        return decoding.Decoded(_decode(b"".join(parts), tenant, max_event_bytes))
    except Exception:  # noqa: BLE001 (it will be raised once more where it is answered)
        return None


def _copy(
    connection: Connection,
    log: LogHead,
    versions: Sequence[int],
    rows: Sequence[bytes],
    contents: Sequence[bytes],
) -> bytes:
    """Append events and no leaf hashes."""
    del contents
    data = copy_data(log.tenant_id, log.position, versions, rows, micros(log.now))
    with connection.cursor() as cursor, cursor.copy(SQL.copy_events.sql) as sink:
        sink.write(data)
    return b""


def main() -> None:
    """Serve as `api.process.worker` does, but for what the mode says."""
    mode = sys.argv.pop(1)
    if mode == NO_GROUPS:
        group._MOST_ITEMS = 0  # noqa: SLF001 (the first of a group is always taken, and then no other)
    elif mode == NO_STORE:
        group.GroupCommit.record = _acknowledge  # type: ignore[method-assign]
    elif mode == NO_EVIDENCE:
        decoding.decode = _decode
        decoding._decode_or_refuse = _decode_beside  # noqa: SLF001 (the worker's own function)
        # By its name, as the package has a function of the same one.
        vars(importlib.import_module("app.recording.commit"))["copy"] = _copy
    elif mode != AS_IT_IS:
        raise SystemExit(f"unknown mode {mode}")
    worker.main()


if __name__ == "__main__":
    main()
