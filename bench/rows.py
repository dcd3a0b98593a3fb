"""Rows for COPY as the service would send them, byte for byte: made by its own functions."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from app.log.rows import copy_data
from app.recording import Prepared
from postgres.binary import micros


def copy_buffer(tenant_id: int, head: int, versions: Sequence[int], rows: Sequence[bytes]) -> bytes:
    """Build what `app.log.append.copy` sends of the events, without sending it."""
    return copy_data(tenant_id, head, versions, rows, micros(datetime.now(UTC)))


class Log:
    """Gives the batches of one log their positions and versions, without a database."""

    def __init__(self) -> None:
        self._versions: Counter[str] = Counter()

    def place(self, batch: Prepared) -> list[int]:
        """Give the versions of a batch, all of whose items are new, and go on behind it."""
        versions = []
        for stream in batch.streams:
            self._versions[stream] += 1
            versions.append(self._versions[stream])
        return versions
