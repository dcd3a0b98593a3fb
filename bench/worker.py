"""A worker of the service with something left out, to see what that part costs. Never for real use.

python -m bench.worker MODE DESCRIPTOR
"""

import sys

from api.process import worker
from app.intake import group_commit as group
from app.recording import Prepared, Recorded

AS_IT_IS = "as-it-is"
NO_GROUPS = "no-groups"
NO_STORE = "no-store"


async def _acknowledge(self: group.GroupCommit, tenant_id: int, batch: Prepared) -> Recorded:
    """Say that everything is stored, and store nothing."""
    del self, tenant_id
    items = len(batch.keys)
    hashes = bytes(32 * items)
    ids = batch.unique_ids
    return Recorded(ids, ["stored"] * items, [1] * items, bytes(16), 1, batch.salts, hashes)


def main() -> None:
    """Serve as `api.process.worker` does, but for what the mode says."""
    mode = sys.argv.pop(1)
    if mode == NO_GROUPS:
        group._MOST_ITEMS = 0  # noqa: SLF001 (the first of a group is always taken, and then no other)
    elif mode == NO_STORE:
        group.GroupCommit.record = _acknowledge  # type: ignore[method-assign]
    elif mode != AS_IT_IS:
        raise SystemExit(f"unknown mode {mode}")
    worker.main()


if __name__ == "__main__":
    main()
