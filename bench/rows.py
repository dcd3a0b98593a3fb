"""Rows for COPY as the service would send them, byte for byte: made by its own functions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self, cast

from app.log.append import copy
from app.recording import Prepared
from postgres.connections import Connection


class _Catcher:
    """Stands in for a connection, a cursor and a COPY: keeps what is written."""

    written = b""

    def cursor(self) -> Self:
        return self

    @contextmanager
    def copy(self, statement: str) -> Iterator[Self]:
        del statement
        yield self

    def write(self, data: bytes) -> None:
        self.written = data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def copy_buffer(tenant_id: int, head: int, versions: Sequence[int], rows: Sequence[bytes]) -> bytes:
    """Build what `app.log.append.copy` sends, without sending it."""
    catcher = _Catcher()
    copy(cast("Connection", catcher), tenant_id, head, versions, rows, datetime.now(UTC))
    return catcher.written


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
